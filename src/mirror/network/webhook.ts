// Calls the operator's own web server: over HTTPS, under a key that the operator named or the owner of the name publishes, and never into a private network (R129).

import { fromBase64url, hex, utf8 } from '../../base/bytes.ts'
import { Failure, quote } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { parseAssociation, type Association } from '../../observation/association.ts'
import { parseTarget, type Target } from '../../observation/target.ts'
import { matchAssociations } from '../../observation/tlsa.ts'
import { deadline } from '../../runtime/deadline.ts'
import { NetworkError, type Runtime } from '../../runtime/runtime.ts'
import { addressRefusal } from '../../vantage/address.ts'
import type { Probe } from '../../vantage/probe.ts'

/** Where the operator wants to be told. */
export interface WebhookUrl {
  readonly target: Target
  /** Path and query. */
  readonly path: string
  /** Lower-case hexadecimal SHA-256 of the SPKI of a certificate in the server's chain; null: its name's TLSA records decide. */
  readonly pin: string | null
}

/** Reads `https://HOST[:PORT]/path[#ID]`. @throws Failure usage */
export function parseWebhookUrl(text: string): WebhookUrl {
  const url = URL.canParse(text) ? new URL(text) : null
  const id = url === null || url.hash === '' ? null : fromBase64url(url.hash.slice(1))
  if (
    url === null ||
    url.protocol !== 'https:' ||
    url.username + url.password !== '' ||
    (url.hash !== '' && id?.length !== 32)
  ) {
    throw new Failure('usage', {
      action: 'read webhook',
      what: `${quote(text)} is not of the form https://HOST[:PORT]/path[#ID]`,
      hint: 'ID is the base64url of the SHA-256 of the public key of a CA above the server',
    })
  }
  return {
    target: parseTarget(`https://${url.host}`),
    path: url.pathname + url.search,
    pin: id === null ? null : hex(id),
  }
}

type Needs = Pick<Runtime, 'clock' | 'crypto' | 'network'> & {
  readonly probe: Probe
  readonly allowPrivate: boolean
}

/** Posts `body` as JSON. @returns why that failed; null when the server took it */
export async function callWebhook(
  needs: Needs,
  url: WebhookUrl,
  body: object,
): Promise<string | null> {
  const { signal, done } = deadline(needs.clock, limits.webhookTimeoutMs)
  try {
    const { dns } = await needs.probe.resolve(url.target, signal)
    const addresses = [...dns.a.records, ...dns.aaaa.records]
    const [address] = addresses.filter((one) => needs.allowPrivate || addressRefusal(one) === null)
    if (address === undefined) return 'its name has no public address'
    const associations = url.pin === null ? read(dns.authority.records) : pinned(url.pin)
    return await post(needs, { url, address, associations, body, signal })
  } catch (error) {
    if (error instanceof NetworkError || Failure.is(error)) return error.message
    throw error
  } finally {
    done()
  }
}

async function post(
  { clock, crypto, network }: Needs,
  task: {
    readonly url: WebhookUrl
    readonly address: string
    readonly associations: readonly Association[]
    readonly body: object
    readonly signal: AbortSignal
  },
): Promise<string | null> {
  const { url, address, associations, signal } = task
  const { host, port, isAddress } = url.target
  const pool = network.httpsPool({
    accept: (_peer, sent) => {
      const chain = sent.map((der) => crypto.readCertificate(der))
      const input = { chain, associations, names: [host], at: clock.now() }
      if (matchAssociations(input, crypto).matched === null)
        throw new NetworkError(
          'tls-rejected',
          'neither the ID in its URL nor a TLSA record of its name vouches for its certificate',
        )
    },
  })
  try {
    const name = isAddress ? {} : { name: host }
    const { status } = await pool.request(
      { endpoint: { address, port }, id: host, ...name },
      {
        method: 'POST',
        path: url.path,
        body: utf8(JSON.stringify(task.body)),
        contentType: 'application/json',
        bytesMax: limits.webhookBytesMax,
        signal,
      },
    )
    return status >= 200 && status < 300 ? null : `it answered with status ${status}`
  } finally {
    pool.close()
  }
}

function read(records: readonly string[]): readonly Association[] {
  return records.map(parseAssociation)
}

/** The key of a CA above the server, or the server's own. */
function pinned(pin: string): readonly Association[] {
  return [parseAssociation(`2 1 1 ${pin}`), parseAssociation(`3 1 1 ${pin}`)]
}
