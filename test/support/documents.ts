// Finds the commands in our documents that are said to run, so that tests run them as they stand.

import { readFileSync } from 'node:fs'

/** A block of commands in a document. */
export interface Commands {
  readonly document: string
  /** Lines of sh. */
  readonly script: string
}

/** The blocks of `document`, a path from the root, that are marked `<!-- runs in WHERE -->`. */
export function commandsIn(
  document: string,
  where: 'npm test' | 'npm run test:system',
): readonly Commands[] {
  const text = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^<!-- runs in (.+) -->\n```sh\n([\s\S]*?)^```$/gm)]
    .filter(([, marked]) => marked === where)
    .map(([, , script = '']) => ({ document, script }))
}
