// Where keys and lists are kept.

import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * The folder with keys and lists: SIGHTLINE_HOME, else `sightline` in XDG_DATA_HOME (only an absolute one
 * counts, as the XDG specification asks), else `~/.local/share/sightline`.
 */
export function homeOf(env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env['SIGHTLINE_HOME']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  const data = env['XDG_DATA_HOME']
  return data !== undefined && isAbsolute(data)
    ? join(data, 'sightline')
    : join(homedir(), '.local', 'share', 'sightline')
}

/** The absolute path of something in the home: `inHome(home, 'ca', 'ca.crt')`. */
export function inHome(home: string, ...names: readonly string[]): string {
  return join(home, ...names)
}
