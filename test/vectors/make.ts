// Writes the test vectors: `npm run vectors`. The tests see that they are those that it would write.

import { writeFile } from 'node:fs/promises'
import { vectorFiles } from './make/all.ts'

for (const [name, text] of await vectorFiles())
  await writeFile(new URL(name, import.meta.url), text)
