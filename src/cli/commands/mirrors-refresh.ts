// `sightline mirrors refresh`: comes to a list of mirrors by what many of them say, and tells what has changed.

import { integer, message, multiple, object, option, optional, string } from '@optique/core'
import { Failure } from '../../base/failure.ts'
import { agreeOnMirrors, type Agreement } from '../../client/bootstrap.ts'
import type { ListProgress } from '../../client/collect.ts'
import { readMirrorFiles, type BelievedFile } from '../../client/directory.ts'
import {
  mirrorsIn,
  readSavedBootstraps,
  savedListOf,
  savedText,
  type SavedBootstraps,
} from '../../client/saved.ts'
import { newsOf, remembered, witnessOf } from '../../client/sources.ts'
import { fetchBootstrap, parseVendorUrl } from '../../client/vendor.ts'
import { mergeSources, type MergedSources } from '../../membership/bootstrap-sources.ts'
import { parameters, type Parameters } from '../../membership/parameters.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import { systemResolvers } from '../../runtime/node/system-resolvers.ts'
import type { Endpoint } from '../../runtime/runtime.ts'
import { createResolver } from '../../vantage/dns/resolver.ts'
import { defineCommand, type Context } from '../command.ts'
import { bootstrapsPath, listPath, loadMirrors, readFiles, vendorOption } from '../mirror-list.ts'
import { text } from '../text.ts'
import { file } from '../values.ts'
import { allowPrivateOption, resolverOption } from '../vantage.ts'
import { jsonOfRefresh, printRefresh, warnOfSource, type Refresh } from './mirrors-refresh-text.ts'

/** The command `mirrors refresh`. */
export const mirrorsRefresh = defineCommand({
  description: [
    'Comes to a list of mirrors: asks those of a bootstrap file, by address and under the CA that the file pins, whom they know, and keeps what more than half of all asked say. Later it asks some mirrors of that list as well, and the bootstrap files of last time where none is named. Mirrors that do not answer count as naming nobody, so that silencing some helps nobody.',
    'It shows what was added and removed since the last list, and what a bootstrap file leaves out that the one before had: a signer who is made to delete mirrors does not do so unseen. Several files of several signers stand together; with --threshold N an entry needs N of them.',
    'With --vendor-url the file is fetched from a vendor. The local DNS says where the server is and is not trusted; the server is, when its certificate is under a CA that --vendor pins.',
  ],
  takes: object({
    bootstraps: multiple(
      option('--bootstrap', file(), {
        description: message`begin with the mirrors of this file; repeatable. Default: the files of last time`,
      }),
    ),
    vendors: vendorOption,
    urls: multiple(
      option('--vendor-url', string({ metavar: 'URL' }), {
        description: message`fetch a bootstrap file from https://HOST[:PORT]/path, a server under a CA of --vendor; repeatable`,
      }),
    ),
    threshold: optional(
      option('--threshold', integer({ metavar: 'N', min: 0, max: 100 }), {
        description: message`signers that must name a mirror of the bootstrap files. Default: that of last time, at first 0: every mirror of every file is asked`,
      }),
    ),
    listsMin: optional(
      option('--lists-min', integer({ metavar: 'N', min: 1, max: parameters.list.askedMax }), {
        description: message`mirrors that must give their lists, instead of ${String(parameters.list.listsMin)}; fewer only for small networks`,
      }),
    ),
    regionsMin: optional(
      option('--regions-min', integer({ metavar: 'N', min: 0, max: 5 }), {
        description: message`registry regions that the lists must come from, instead of ${String(parameters.list.registriesMin)}; fewer only for small networks`,
      }),
    ),
    resolvers: resolverOption,
    allowPrivate: allowPrivateOption,
  }),
  examples: [
    {
      run: 'sightline mirrors refresh --bootstrap mirrors.jws --vendor sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b',
      tells: 'the first list, from a file that a vendor vouches for',
    },
    {
      run: 'sightline mirrors refresh --vendor-url https://vendor.example/mirrors.jws --vendor sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b',
      tells: 'the same, with the file fetched from the vendor',
    },
    { run: 'sightline mirrors refresh', tells: 'the list anew, from whom it came last' },
    {
      run: 'sightline mirrors refresh --bootstrap one.jws --bootstrap two.jws --threshold 2',
      tells: 'mirrors that two signers name',
    },
  ],
  files: [
    { path: '$SIGHTLINE_HOME/mirrors.json', what: 'the list, by region, mode 0600' },
    { path: '$SIGHTLINE_HOME/bootstraps.json', what: 'the bootstrap files that it began with' },
  ],
  run: async (context, values) => {
    const { runtime, home, out, signal } = context
    const before = await readBefore(context)
    const files = await beginningFiles(context, { ...values, before: before.bootstraps })
    const news = files.map((one) => newsOf(one, before.bootstraps))
    news.forEach((one, i) => warnOfSource(out, files[i]?.source ?? '', one))
    const threshold =
      values.threshold ?? before.bootstraps?.threshold ?? parameters.bootstrap.vouchersMin
    const merged = merge(files, threshold)
    const agreement = await agreeOnMirrors(runtime, {
      beginning: { pairs: merged.taken, current: before.list },
      parameters: withMinima(values),
      allowPrivate: values.allowPrivate,
      signal,
      onProgress: (progress) => out.progress.show(progressText(progress)),
    })
    out.progress.clear()
    await save(context, { agreement, files, threshold })
    const refresh: Refresh = {
      path: listPath(home),
      agreement,
      before: before.list,
      sources: files.map((one, i) => ({
        file: one,
        news: news[i] ?? newsOf(one, null),
        witness: witnessOf(one, agreement.seen),
      })),
      left: merged.left,
    }
    if (out.wantsJson) out.json(jsonOfRefresh(refresh))
    else printRefresh(out, refresh)
  },
})

interface Before {
  readonly list: readonly ListEntry[] | null
  readonly bootstraps: SavedBootstraps | null
}

/** What was kept of last time. */
async function readBefore({ runtime, home }: Context): Promise<Before> {
  const own = { bootstraps: [], vendors: [], home, allowPrivate: true }
  const { agreed } = await loadMirrors(runtime, own)
  const path = bootstrapsPath(home)
  const bootstraps = (await runtime.files.exists(path))
    ? readSavedBootstraps(await runtime.files.read(path, 'bootstrap files of last time'), path)
    : null
  return { list: agreed === null ? null : mirrorsIn(agreed), bootstraps }
}

interface Sources {
  readonly bootstraps: readonly string[]
  readonly urls: readonly string[]
  readonly vendors: readonly string[]
  readonly resolvers: readonly Endpoint[]
  readonly allowPrivate: boolean
  readonly before: SavedBootstraps | null
}

/** The files that are named, or else those of last time. */
async function beginningFiles(
  { runtime, out, signal }: Context,
  sources: Sources,
): Promise<readonly BelievedFile[]> {
  const { bootstraps, vendors, before } = sources
  const urls = sources.urls.map(parseVendorUrl)
  if (urls.length > 0 && vendors.length === 0)
    throw new Failure('usage', {
      action: 'fetch bootstrap',
      what: 'a vendor is known by its CA alone',
      hint: 'name the CA with --vendor sha256:…',
    })
  if (bootstraps.length + urls.length === 0) {
    if (before === null)
      throw new Failure('usage', {
        action: 'refresh the list of mirrors',
        what: 'there is nothing to begin with',
        hint: 'name a bootstrap file with --bootstrap, or a vendor with --vendor-url and --vendor',
      })
    for (const { source, vendor } of before.files)
      if (vendors.length > 0 && !vendors.includes(vendor ?? ''))
        throw new Failure('bootstrap-unvouched', { source, vendor })
    return before.files
  }
  const fetched = []
  for (const url of urls) {
    out.progress.show(text`fetching ${url.text}`)
    const { resolvers } = sources
    const servers = resolvers.length > 0 ? resolvers : systemResolvers()
    const resolver = createResolver(runtime, { servers })
    fetched.push(await fetchBootstrap(runtime, { url, vendors, resolver, signal }))
  }
  out.progress.clear()
  const files = [...(await readFiles(runtime, bootstraps)), ...fetched]
  return readMirrorFiles(runtime, files, sources)
}

/** The mirrors that enough signers name. */
function merge(files: readonly BelievedFile[], threshold: number): MergedSources {
  const sources = files.map(({ vendor: signer, pairs }) => ({ signer, pairs }))
  const merged = mergeSources(sources, threshold)
  if (merged.needed < threshold)
    throw new Failure('usage', {
      action: 'read bootstrap files',
      what: `${threshold} signers are wanted, and the files are signed by ${merged.needed}`,
      hint: 'give the files of more signers with --bootstrap, or lower --threshold',
    })
  if (merged.taken.length === 0)
    throw new Failure('usage', {
      action: 'read bootstrap files',
      what: `no mirror is named by ${threshold} signers`,
    })
  return merged
}

function withMinima(values: {
  readonly listsMin: number | undefined
  readonly regionsMin: number | undefined
}): Parameters {
  const { list } = parameters
  const { listsMin = list.listsMin, regionsMin: registriesMin = list.registriesMin } = values
  return { ...parameters, list: { ...list, listsMin, registriesMin } }
}

function progressText({ step, done, of }: ListProgress) {
  switch (step) {
    case 'digests':
      return text`asking mirrors whom they know: ${done} of ${of}`
    case 'whole lists':
      return text`reading whole lists: ${done} of ${of}`
    case 'differences':
      return text`reading what differs: ${done} of ${of} mirrors`
  }
}

/** Keeps the list and the files; the list last, so that it never stands without what it began with. */
async function save(
  { runtime, home }: Context,
  made: {
    readonly agreement: Agreement
    readonly files: readonly BelievedFile[]
    readonly threshold: number
  },
): Promise<void> {
  const { agreement, files, threshold } = made
  const now = runtime.clock.now()
  const options = { mode: 0o600, exclusive: false }
  const bootstraps = { v: 1 as const, threshold, files: files.map((one) => remembered(one, now)) }
  await runtime.files.makeDirectory(home, 0o700)
  await runtime.files.write(bootstrapsPath(home), savedText(bootstraps), options)
  const list = savedListOf(agreement.mirrors, agreement)
  await runtime.files.write(listPath(home), savedText(list), options)
}
