// What a host keeps when its process ends: files and databases, in memory.

import { DatabaseSync } from 'node:sqlite'
import { utf8 } from '../../src/base/bytes.ts'
import { Failure } from '../../src/base/failure.ts'
import { databaseOf } from '../../src/runtime/node/sqlite.ts'
import type { Databases, Files } from '../../src/runtime/runtime.ts'

/** A disk of one host. */
export interface Disk {
  readonly files: Files
  readonly databases: Databases
}

/** An empty disk. What was written is there for the host's next process, whole: there are no torn writes. */
export function createDisk(): Disk {
  return { files: createFiles(), databases: createDatabases() }
}

function createFiles(): Files {
  const files = new Map<string, { readonly data: Uint8Array; readonly mode: number }>()
  const fileAt = (
    path: string,
    what: string,
  ): { readonly data: Uint8Array; readonly mode: number } => {
    const file = files.get(path)
    if (file === undefined) throw new Failure('file-missing', { path, what })
    return file
  }
  return {
    read: async (path, what) => fileAt(path, what).data,
    exists: async (path) => files.has(path),
    mode: async (path, what) => fileAt(path, what).mode,
    write: async (path, data, { mode, exclusive }) => {
      if (exclusive && files.has(path)) throw new Failure('file-exists', { path })
      files.set(path, { data: typeof data === 'string' ? utf8(data) : data.slice(), mode })
    },
    makeDirectory: async () => {},
  }
}

function createDatabases(): Databases {
  const connections = new Map<string, DatabaseSync>()
  return {
    open: (path) => {
      const connection = connections.get(path) ?? new DatabaseSync(':memory:')
      connections.set(path, connection)
      // Closing would lose it.
      return { ...databaseOf(connection, path), close: () => {} }
    },
  }
}
