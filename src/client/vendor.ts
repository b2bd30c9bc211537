// The channel to a vendor (R17–R23): its name is resolved by a DNS that is not trusted, and whoever answers is believed
// only under the vendor's own CA, which is pinned by the hash of its key.

import { Failure, quote } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { spkiHash } from '../observation/fingerprint.ts'
import { matchesName } from '../observation/names.ts'
import { validatePath } from '../observation/path.ts'
import { deadline } from '../runtime/deadline.ts'
import { formatEndpoint } from '../runtime/endpoint.ts'
import {
  NetworkError,
  type Certificate,
  type Crypto,
  type Endpoint,
  type HttpsPool,
  type Runtime,
} from '../runtime/runtime.ts'
import { isAddress } from '../vantage/address.ts'
import type { Resolver } from '../vantage/dns/resolver.ts'
import type { MirrorFile } from './directory.ts'

/** Where a vendor offers its bootstrap file. */
export interface VendorUrl {
  /** Canonical text, which names the file in messages. */
  readonly text: string
  /** A DNS name in A-labels, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly path: string
}

/** Reads `https://HOST[:PORT]/path`. @throws Failure usage */
export function parseVendorUrl(text: string): VendorUrl {
  const url = URL.canParse(text) ? new URL(text) : null
  if (
    url === null ||
    url.protocol !== 'https:' ||
    url.username + url.password + url.hash !== '' ||
    url.hostname.length > limits.nameOctetsMax
  ) {
    throw new Failure('usage', {
      action: 'read vendor URL',
      what: `${quote(text)} is not of the form https://HOST[:PORT]/path`,
    })
  }
  return {
    text: url.href,
    host: url.hostname.replace(/^\[|\]$|\.$/g, ''),
    port: url.port === '' ? 443 : Number(url.port),
    path: url.pathname + url.search,
  }
}

/** Which file is fetched, and whose server is believed. */
export interface VendorTask {
  readonly url: VendorUrl
  /** Lower-case hexadecimal SHA-256 of the SPKI of the CAs that the vendor's server may be under. */
  readonly vendors: readonly string[]
  /** The local DNS: what it says is only where to look. */
  readonly resolver: Resolver
  readonly signal: AbortSignal
}

type Needs = Pick<Runtime, 'clock' | 'crypto' | 'network'>

/**
 * The bootstrap file at `task.url`, as it came: who vouches for its content is for its reader to check. The addresses
 * that DNS names are tried in turn; one that leads to somebody else costs nothing but time.
 * @throws Failure vendor-unreached; the reason of `signal`, when that aborts first
 */
export async function fetchBootstrap(needs: Needs, task: VendorTask): Promise<MirrorFile> {
  const { url } = task
  const { signal, done } = deadline(needs.clock, limits.vendorTimeoutMs, task.signal)
  const pool = vendorPool(needs, task)
  const faults: string[] = []
  try {
    const endpoints = await endpointsOf(task, signal)
    for (const endpoint of endpoints) {
      const answer = await get(pool, { endpoint, url, signal })
      if (typeof answer !== 'string') return { source: url.text, bytes: answer }
      faults.push(`${formatEndpoint(endpoint)}: ${answer}`)
    }
  } catch (error) {
    task.signal.throwIfAborted()
    if (!(error instanceof NetworkError) && !Failure.is(error)) throw error
    faults.push(error.message)
  } finally {
    done()
    pool.close()
  }
  throw new Failure('vendor-unreached', { url: url.text, why: faults.join('; ') })
}

/** The addresses of the vendor's host, by the local DNS. */
async function endpointsOf(
  { url, resolver }: VendorTask,
  signal: AbortSignal,
): Promise<readonly Endpoint[]> {
  if (isAddress(url.host)) return [{ address: url.host, port: url.port }]
  const answers = await Promise.all([
    resolver.query(url.host, 'A', signal),
    resolver.query(url.host, 'AAAA', signal),
  ])
  const addresses = answers.flatMap((answer) => answer.records)
  if (addresses.length === 0) {
    const [why] = answers.map((answer) => answer.error ?? answer.status)
    throw new NetworkError('unreachable', `DNS has no address of ${quote(url.host)}: ${why}`)
  }
  return addresses
    .slice(0, limits.addressesProbedMax)
    .map((address) => ({ address, port: url.port }))
}

/** The file, or why it could not be had from this address. */
async function get(
  pool: HttpsPool,
  from: { readonly endpoint: Endpoint; readonly url: VendorUrl; readonly signal: AbortSignal },
): Promise<Uint8Array | string> {
  const { endpoint, url, signal } = from
  const name = isAddress(url.host) ? {} : { name: url.host }
  try {
    const response = await pool.request(
      { endpoint, id: url.host, ...name },
      { method: 'GET', path: url.path, bytesMax: limits.bootstrapBytesMax, signal },
    )
    return response.status === 200
      ? response.body
      : `it answered with status ${response.status}, and no other place is gone to`
  } catch (error) {
    if (error instanceof NetworkError && !signal.aborted) return error.message
    if (Failure.is(error)) return error.message
    throw error
  }
}

/** A pool that goes on only with the vendor's own server. */
function vendorPool(needs: Needs, { url, vendors }: VendorTask): HttpsPool {
  return needs.network.httpsPool({
    accept: (_peer, chain) => {
      const certificates = chain.map((der) => needs.crypto.readCertificate(der))
      const fault = vendorChainFault(needs.crypto, certificates, {
        host: url.host,
        vendors,
        now: needs.clock.now(),
      })
      if (fault !== null) throw new NetworkError('tls-rejected', fault)
    },
  })
}

/**
 * Why `chain`, as sent, is not that of the vendor's server `host` at `now`; null when it is. It must lead from a
 * certificate for `host` to a CA whose key is one of `vendors`.
 */
export function vendorChainFault(
  crypto: Crypto,
  chain: readonly Certificate[],
  expected: {
    readonly host: string
    readonly vendors: readonly string[]
    readonly now: number
  },
): string | null {
  const [server, ...authorities] = chain
  if (server === undefined) return 'it showed no certificate'
  const anchors = authorities.filter((one) => expected.vendors.includes(spkiHash(crypto, one)))
  if (anchors.length === 0) return 'it is not under the CA of a vendor that is named'
  if (!matchesName(server, expected.host)) return `its certificate is not for ${expected.host}`
  const paths = anchors.map((certificate) =>
    validatePath(
      {
        chain: [server, ...authorities],
        anchor: { kind: 'certificate', certificate },
        at: expected.now,
      },
      crypto,
    ),
  )
  const [first] = paths
  return paths.some((path) => path.ok) || first === undefined || first.ok ? null : first.text
}
