// What a mirror does not do for strangers, said in a signed answer and never by an HTTP error (R75, protocol §11).

import ipaddr from 'ipaddr.js'
import { schemes, type Target } from '../observation/target.ts'
import { addressRefusal, portRefusal } from '../vantage/address.ts'
import type { Excuse } from './answers.ts'

/** The excuse when no place came free before the deadline. */
export const busy: Excuse = {
  status: 'busy',
  code: 'busy',
  text: 'no place came free in time; the vantage is alive',
  retryAfterMs: 1_000,
}

/** Why this vantage does not look at `target` for strangers: null when it does. */
export function refusalOf(target: Target, allowPrivate: boolean): Excuse | null {
  const refused = (code: string, text: string): Excuse => ({
    status: 'refused',
    code,
    text,
    retryAfterMs: null,
  })
  if (schemes[target.scheme].upgrade !== 'implicit')
    return refused(
      'handshake-unsupported',
      `the handshake behind ${target.scheme}:// is not supported by this vantage`,
    )
  if (allowPrivate) return null
  const address =
    target.isAddress && ipaddr.isValid(target.host) ? addressRefusal(target.host) : null
  if (address !== null) return refused('private-target', address)
  const port = portRefusal(target.port)
  return port === null ? null : refused('port-refused', port)
}
