// Files on node:fs: writing is atomic (temporary file beside, fsync, rename), refusals are told apart.

import { randomBytes } from 'node:crypto'
import { access, link, mkdir, open, readFile, rename, stat, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../../base/failure.ts'
import type { Files } from '../runtime.ts'

/** Files of this machine. */
export const nodeFiles: Files = {
  read: async (path, what) => {
    try {
      return new Uint8Array(await readFile(path))
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') throw new Failure('file-missing', { path, what }, { cause })
      throw failed('read', path, cause)
    }
  },
  exists: async (path) => {
    try {
      await access(path)
      return true
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return false
      throw failed('look for', path, cause)
    }
  },
  mode: async (path, what) => {
    try {
      const { mode } = await stat(path)
      return process.platform === 'win32' ? null : mode & 0o777
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') throw new Failure('file-missing', { path, what }, { cause })
      throw failed('look at', path, cause)
    }
  },
  write: async (path, data, options) => {
    const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.part`)
    try {
      await writeDurably(temporary, data, options.mode)
      // A hard link fails where the name exists; rename would replace it silently.
      if (options.exclusive) await link(temporary, path)
      else await rename(temporary, path)
      await syncDirectory(dirname(path))
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST') throw new Failure('file-exists', { path }, { cause })
      throw failed('write', path, cause)
    } finally {
      await rm(temporary, { force: true })
    }
  },
  makeDirectory: async (path, mode) => {
    try {
      await mkdir(path, { recursive: true, mode })
    } catch (cause) {
      throw failed('make directory', path, cause)
    }
  },
}

async function writeDurably(path: string, data: Uint8Array | string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function failed(action: string, path: string, cause: unknown): Failure {
  const why = cause instanceof Error ? cause.message.replace(/,.*$/s, '') : String(cause)
  return new Failure('file-failed', { path, action, why }, { cause })
}
