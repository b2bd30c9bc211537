// A server's key and certificate chain as the two files that web and mail servers take.

import { Failure } from '../base/failure.ts'
import type { Files } from '../runtime/runtime.ts'
import type { Issued } from './issue.ts'
import { fileNameOf, parseServerName } from './names.ts'

/** Where the two files of a server are. */
export interface ServerPaths {
  readonly key: string
  /** Leaf first, CA last. */
  readonly chain: string
}

/**
 * Where `saveServer` will write in `directory` for a certificate whose first name is `name`.
 * @throws Failure name-malformed
 */
export function serverPaths(directory: string, name: string): ServerPaths {
  const base = `${directory}/${fileNameOf(parseServerName(name))}`
  return { key: `${base}.key`, chain: `${base}.crt` }
}

/** Refuses when one of the files is there already. @throws Failure file-exists, file-failed */
export async function refuseToReplace(files: Files, paths: ServerPaths): Promise<void> {
  for (const path of [paths.key, paths.chain])
    if (await files.exists(path)) throw new Failure('file-exists', { path })
}

/** Writes both files; the folder is made where it is missing. @throws Failure file-exists, file-failed */
export async function saveServer(files: Files, paths: ServerPaths, issued: Issued): Promise<void> {
  await refuseToReplace(files, paths)
  await files.makeDirectory(paths.key.slice(0, paths.key.lastIndexOf('/')), 0o755)
  await files.write(paths.key, issued.keyPem, { mode: 0o600, exclusive: true })
  await files.write(paths.chain, issued.chainPem, { mode: 0o644, exclusive: true })
}
