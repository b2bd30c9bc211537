// `sightline mirror`: runs a Secure Mirror, which answers for this machine's place in the network.

import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { message, multiple, object, option, optional, string, withDefault } from '@optique/core'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { askDescriptor, readMirrorFiles } from '../../client/directory.ts'
import { loadAuthority, saveAuthority } from '../../identity/authority-store.ts'
import type { Authority } from '../../identity/issue.ts'
import { createMirrorAuthority } from '../../mirror/identity.ts'
import { serveMirror } from '../../mirror/serve.ts'
import { mirrorIdOf } from '../../observation/fingerprint.ts'
import { formatMirrorUrl, parseMirrorUrl } from '../../protocol/bootstrap.ts'
import type { BootstrapSeen } from '../../protocol/lists.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import { deadline } from '../../runtime/deadline.ts'
import { systemResolvers } from '../../runtime/node/system-resolvers.ts'
import { NetworkError, type Endpoint, type Runtime } from '../../runtime/runtime.ts'
import { openStore } from '../../store/open.ts'
import { createResolver } from '../../vantage/dns/resolver.ts'
import { isRegionCode } from '../../verdict/regions.ts'
import { defineCommand } from '../command.ts'
import { endpoint, file, folder } from '../values.ts'
import { readFiles } from '../mirror-list.ts'
import { allowPrivateOption, resolverOption } from '../vantage.ts'

/** The command `mirror`. */
export const mirror = defineCommand({
  description: [
    'Runs a Secure Mirror: a node that looks at TLS services from its own place in the network and answers, signed, to whoever asks. Anybody may run one.',
    'It makes a CA of its own on first start, which signs its server certificate and nothing else. The fingerprint of that CA is its identity: keep the home folder, and the mirror keeps its reputation.',
    'It should have a recursive resolver of its own (unbound with cache-max-ttl 60), not one that others share: name it with --resolver. Private addresses are never looked at for strangers.',
  ],
  takes: object({
    listen: withDefault(
      option('--listen', endpoint({ defaultPort: 443, anyPort: true }), {
        description: message`where to answer; port 0 lets the system choose`,
      }),
      { address: '0.0.0.0', port: 443 },
    ),
    address: multiple(
      option('--address', string({ metavar: 'IP' }), {
        description: message`public address, where it differs from --listen; repeatable, the first is the dedicated one`,
      }),
    ),
    region: optional(
      option('--region', string({ metavar: 'CODE' }), {
        description: message`registry region and country, such as RIPE-DE`,
      }),
    ),
    domain: optional(
      option('--domain', string({ metavar: 'NAME' }), {
        description: message`the mirror's registered name`,
      }),
    ),
    contact: multiple(
      option('--contact', string({ metavar: 'URL' }), {
        description: message`mailto: or https: address of the operator; repeatable`,
      }),
    ),
    resolvers: resolverOption,
    joins: multiple(
      option('--join', string({ metavar: 'URL#ID' }), {
        description: message`another mirror to join the network through: it is asked to take this one in, and is the first in the list; repeatable`,
      }),
    ),
    bootstraps: multiple(
      option('--bootstrap', file(), {
        description: message`a bootstrap file that this mirror has seen: it publishes the hash, so that a client can tell whether its own is the one that everybody gets; repeatable`,
      }),
    ),
    home: optional(
      option('--home', folder(), {
        description: message`folder of this mirror's keys; one machine may run several`,
      }),
    ),
    store: optional(
      option('--store', string({ metavar: 'URL' }), {
        description: message`its memory: sqlite:PATH (default: mirror.db in its home), or memory: to keep nothing, and no log`,
      }),
    ),
    allowPrivate: allowPrivateOption,
  }),
  examples: [
    {
      run: 'sightline mirror --listen 192.0.2.7:443 --region RIPE-DE --resolver 127.0.0.1',
      tells: 'prints ready https://192.0.2.7:443#ID',
    },
    {
      run: 'sightline mirror --listen 127.0.0.1:0 --home m1 --allow-private',
      tells: 'on a test network',
    },
  ],
  files: [
    { path: '$SIGHTLINE_HOME/mirror/ca.key', what: "the mirror's identity, mode 0600" },
    { path: '$SIGHTLINE_HOME/mirror/ca.crt', what: 'its CA certificate' },
    {
      path: '$SIGHTLINE_HOME/mirror/mirror.db',
      what: 'its memory, and the log of what it saw: keep it with the key, which else tells the world another history',
    },
  ],
  serves: true,
  run: async ({ runtime, home, out, signal }, values) => {
    const directory = values.home === undefined ? join(home, 'mirror') : resolve(values.home)
    const servers = values.resolvers.length > 0 ? values.resolvers : systemResolvers()
    const authority = await openAuthority(runtime, directory)
    const store = await openStore(runtime, {
      url: values.store ?? `sqlite:${join(directory, 'mirror.db')}`,
      owner: mirrorIdOf(runtime.crypto, authority.certificate.spki),
    })
    try {
      const others = await knowOthers(runtime, values.joins, signal)
      const served = await serveMirror(runtime, {
        authority,
        store,
        listen: values.listen,
        addresses: announced(values.address, values.listen),
        region: checkRegion(values.region),
        domain: values.domain ?? null,
        contact: values.contact,
        resolver: createResolver(runtime, { servers }),
        allowPrivate: values.allowPrivate,
        known: others,
        joins: others,
        bootstraps: await bootstrapsSeen(runtime, values.bootstraps),
      })
      out.ready(served.url)
      await untilAborted(signal)
      await served.close()
    } finally {
      await store.close()
    }
    out.note('stopped')
  },
})

function checkRegion(region: string | undefined): string | null {
  if (region === undefined || isRegionCode(region)) return region ?? null
  throw new Failure('usage', {
    action: 'read region',
    what: `${JSON.stringify(region)} is not ARIN, RIPE, APNIC, LACNIC or AFRINIC, with a country such as RIPE-DE or without`,
  })
}

/** The mirror's CA in `directory`, made on first start. */
async function openAuthority(runtime: Runtime, directory: string): Promise<Authority> {
  if (await runtime.files.exists(join(directory, 'ca.key')))
    return loadAuthority(runtime, directory)
  const authority = createMirrorAuthority(runtime)
  await saveAuthority(runtime.files, directory, authority)
  return authority
}

/** The addresses that the mirror announces: those given, else the one it listens at, else those of this machine. */
function announced(given: readonly string[], listen: Endpoint): readonly string[] {
  const bad = given.find((address) => isIP(address) === 0)
  if (bad !== undefined)
    throw new Failure('address-malformed', { text: bad, why: 'it is not an IP address' })
  if (given.length > 0) return given
  if (!['0.0.0.0', '::'].includes(listen.address)) return [listen.address]
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  const outside = all.filter((one) => !one.internal && !one.address.startsWith('fe80:'))
  return outside.length > 0 ? outside.map((one) => one.address).slice(0, 8) : ['127.0.0.1']
}

/** The mirrors behind `joins`, each asked for its descriptor under the id that was given. */
async function knowOthers(
  runtime: Runtime,
  joins: readonly string[],
  signal: AbortSignal,
): Promise<readonly ListEntry[]> {
  const others = joins.map(parseMirrorUrl)
  return Promise.all(
    others.map(async (pair) => {
      const { signal: bounded, done } = deadline(runtime.clock, limits.verifyTimeoutMs, signal)
      try {
        const { region } = await askDescriptor(runtime, pair, bounded)
        return { ...pair, region }
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error
        throw new Failure(
          'mirror-rejected',
          { mirror: formatMirrorUrl(pair), why: error.message },
          { cause: error },
        )
      } finally {
        done()
      }
    }),
  )
}

/** What is published of the bootstrap files at `paths`; whether to believe them is for those who use them. */
async function bootstrapsSeen(
  runtime: Runtime,
  paths: readonly string[],
): Promise<BootstrapSeen['files']> {
  const files = readMirrorFiles(runtime, await readFiles(runtime, paths), { allowPrivate: true })
  return files.map(({ sha256, vendor, made, pairs }) => ({
    sha256,
    vendor,
    made,
    pairs: pairs.length,
  }))
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
}
