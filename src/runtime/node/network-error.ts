// Node's socket and OpenSSL errors as the closed set of NetworkError codes.

import { NetworkError, type NetworkErrorCode } from '../runtime.ts'

const codes: Readonly<Record<string, NetworkErrorCode>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EINVAL: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'closed',
  ABORT_ERR: 'aborted',
}

/** `error` as a NetworkError; one that is already keeps its code. The original stays as `cause`. */
export function networkErrorOf(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const text = error instanceof Error ? error.message : String(error)
  return new NetworkError(codes[code] ?? tlsCode(code), text, { cause: error })
}

function tlsCode(code: string): NetworkErrorCode {
  if (/ALERT/.test(code)) return 'tls-alert'
  return /^ERR_(SSL|OSSL|TLS)/.test(code) ? 'tls-malformed' : 'other'
}
