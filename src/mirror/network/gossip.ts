// Compares our list with that of another mirror now and then: whom it calls active and we do not know, we look at ourselves (R101, R114; protocol §8, §9).

import { fromBase64url } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import { differingBuckets } from '../../membership/list-digest.ts'
import { choosePartner } from '../../membership/gossip.ts'
import type { KnownMirror } from '../../protocol/lists.ts'
import type { Asked } from './correspondence.ts'
import { repeat, type Core, type Part } from './part.ts'
import type { PeerEntry } from './record.ts'
import type { Vetting } from './vetting.ts'

/**
 * Anti-entropy: so nobody depends on whether an announcement reached him. That a mirror exists is all that is
 * believed; how it stands there says nothing about how it will stand here (R112).
 */
export function createGossip(core: Core, vetting: Vetting): Part {
  return repeat(core, 'comparing lists', {
    everyMs: core.parameters.gossip.antiEntropyMs,
    run: async () => {
      const partner = partnerOf(core)
      if (partner === null) return
      const theirs = await core.correspondence.listDigest(partner)
      if (theirs.kind !== 'answered') return
      core.counts.add('digestsCompared')
      const digest = fromBase64url(theirs.value.digest) ?? new Uint8Array()
      const buckets = differingBuckets(core.peers.digest(), digest)
      for (const listed of await fetchParts(core, partner, buckets)) take(core, partner, listed)
      vetting.wake()
      await core.peers.saved()
    },
  })
}

/** An active mirror; for a newcomer, to whom nobody is active yet, any that it has met. */
function partnerOf({ peers, random, self }: Core): PeerEntry | null {
  const partner = choosePartner(peers.index(), { random, except: new Set([self.id]) })
  if (partner !== null) return partner.entry
  const [any] = peers.met()
  return any === undefined ? null : peers.find(any)
}

/** The content of `buckets` in the partner's list; all of it where that is less work. */
async function fetchParts(
  core: Core,
  partner: PeerEntry,
  buckets: readonly number[],
): Promise<readonly KnownMirror[]> {
  const { correspondence, counts } = core
  const read = (
    asked: Asked<{ readonly mirrors: readonly KnownMirror[] }>,
  ): readonly KnownMirror[] => {
    if (asked.kind === 'answered') counts.add('bucketsFetched')
    return asked.kind === 'answered' ? asked.value.mirrors : []
  }
  if (buckets.length > limits.bucketsPerMirrorMax) return read(await correspondence.list(partner))
  const mirrors: KnownMirror[] = []
  for (const bucket of buckets) {
    const asked = await correspondence.listBucket(partner, bucket.toString(16).padStart(2, '0'))
    mirrors.push(...read(asked))
    if (asked.kind === 'silent') break
  }
  return mirrors
}

/** A mirror that is active there, and that we do not know, or know at another address, is heard of. */
function take({ peers, counts }: Core, partner: PeerEntry, listed: KnownMirror): void {
  if (listed.status !== 'active') return
  const { id, ip, port } = listed
  const known = peers.record(id)
  if (known !== null && known.entry.ip === ip && known.entry.port === port) return
  if (peers.hear({ id, ip, port, from: partner.ip }, 'announced')) counts.add('mirrorsHeardOf')
}
