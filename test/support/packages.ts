// Installs the Debian packages that a system test needs, or fails loudly: such a test is never skipped.

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram, tryProgram } from './program.ts'

const installTimeoutMs = 600_000
/** Two test runs at a time must not fight for the package database. */
const lock = join(tmpdir(), 'sightline-apt.lock')
let updated: Promise<unknown> | null = null

/**
 * Makes sure that every Debian package of `names` is installed.
 * @throws Error with the output of apt-get when one cannot be
 */
export async function ensurePackages(...names: readonly string[]): Promise<void> {
  const installed = await Promise.all(names.map(isInstalled))
  const missing = names.filter((_, i) => installed[i] !== true)
  if (missing.length === 0) return
  updated ??= apt('update', '-q')
  await updated
  await apt('install', '-y', '-q', '--no-install-recommends', ...missing)
  for (const name of missing)
    if (!(await isInstalled(name)))
      throw new Error(`apt-get installed ${name}, but dpkg does not know it`)
}

async function isInstalled(name: string): Promise<boolean> {
  const { code, stdout } = await tryProgram(['dpkg-query', '-W', '-f=${Status}', name])
  return code === 0 && stdout === 'install ok installed'
}

async function apt(...args: readonly string[]): Promise<void> {
  await runProgram(
    ['flock', '-w', '500', lock, 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args],
    { timeoutMs: installTimeoutMs, env: { DEBIAN_FRONTEND: 'noninteractive' } },
  )
}
