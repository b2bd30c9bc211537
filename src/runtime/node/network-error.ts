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
  ERR_STREAM_DESTROYED: 'closed',
  ERR_STREAM_WRITE_AFTER_END: 'closed',
  ERR_SOCKET_CLOSED: 'closed',
  ABORT_ERR: 'aborted',
}

/** `error` as a NetworkError; one that is already keeps its code. The original stays as `cause`. */
export function networkErrorOf(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error
  // An AbortSignal's own reasons are DOMExceptions, whose codes are numbers.
  if (error instanceof DOMException)
    return new NetworkError(error.name === 'TimeoutError' ? 'timeout' : 'aborted', error.message, {
      cause: error,
    })
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const text = error instanceof Error ? error.message : String(error)
  if (/^ERR_(SSL|OSSL|TLS)/.test(code)) return tlsErrorOf(error as Error, code)
  return new NetworkError(codes[code] ?? 'other', text, { cause: error })
}

/** Why `signal`, which has aborted, did so: its own NetworkError (a deadline), or `aborted`. */
export function abortionOf(signal: AbortSignal): NetworkError {
  const reason: unknown = signal.reason
  if (reason instanceof NetworkError || reason instanceof DOMException)
    return networkErrorOf(reason)
  return new NetworkError('aborted', 'given up by the caller', { cause: reason })
}

/** OpenSSL's message names its own source line; what a person can use is the alert, or the reason. */
function tlsErrorOf(error: Error, code: string): NetworkError {
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1]
  if (alert !== undefined) {
    const text = `the other side refused with the TLS alert ${alerts[alert] ?? 'unknown'} (${alert})`
    return new NetworkError('tls-alert', text, { cause: error })
  }
  const reason = 'reason' in error ? String(error.reason) : error.message
  return code === 'ERR_SSL_EXCESSIVE_MESSAGE_SIZE'
    ? new NetworkError('too-large', 'a TLS handshake message is too large', { cause: error })
    : new NetworkError('tls-malformed', `the answer is not sound TLS: ${reason}`, { cause: error })
}

/** RFC 8446 §6, with those of RFC 5246 §7.2 and older that servers still send. */
const alerts: Readonly<Record<string, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  21: 'decryption_failed',
  22: 'record_overflow',
  30: 'decompression_failure',
  40: 'handshake_failure',
  41: 'no_certificate',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  60: 'export_restriction',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  111: 'certificate_unobtainable',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  114: 'bad_certificate_hash_value',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
}
