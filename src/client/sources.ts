// Whether somebody has changed a bootstrap file silently (T1, T2): against the one that this client used before, and
// against what mirrors have seen.

import { differences, type SourceDifferences } from '../membership/bootstrap-sources.ts'
import type { BootstrapSeen } from '../protocol/lists.ts'
import type { BelievedFile } from './directory.ts'
import type { SavedBootstrap, SavedBootstraps } from './saved.ts'

/** A file beside the one of the same origin that was used before. */
export interface SourceNews extends SourceDifferences {
  /** Null where there was none. */
  readonly previous: SavedBootstrap | null
  /** The file is older than the one used before: a newer one may be kept from this client. */
  readonly isOlder: boolean
  /** Somebody else vouches for it than before, or nobody does any more. */
  readonly isOtherSigner: boolean
}

/** What `file` says differently than the file of the same vendor, or else of the same place, that was used before. */
export function newsOf(file: BelievedFile, before: SavedBootstraps | null): SourceNews {
  const previous =
    before?.files.find(({ vendor }) => vendor !== null && vendor === file.vendor) ??
    before?.files.find(({ source }) => source === file.source) ??
    null
  if (previous === null)
    return {
      previous,
      added: [],
      removed: [],
      changed: [],
      isOlder: false,
      isOtherSigner: false,
    }
  return {
    previous,
    ...differences(previous.pairs, file.pairs),
    isOlder: file.made < previous.made,
    isOtherSigner: file.vendor !== previous.vendor,
  }
}

/** What mirrors say of a file. */
export interface SourceWitness {
  /** Mirrors that told which files they have seen of this vendor, this one or others. */
  readonly told: number
  /** Mirrors that have seen this very file. */
  readonly seen: number
  /** Mirrors that have seen a newer one of the same vendor. */
  readonly newer: number
}

/** What the mirrors of `seen` say of a file. One that nobody vouches for is nobody's, and so has no others beside it. */
export function witnessOf(
  file: BelievedFile,
  seen: readonly BootstrapSeen['files'][],
): SourceWitness {
  const others = ({ vendor, sha256 }: BootstrapSeen['files'][number]): boolean =>
    sha256 === file.sha256 || (vendor !== null && vendor === file.vendor)
  const tellers = seen.map((files) => files.filter(others)).filter((files) => files.length > 0)
  return {
    told: tellers.length,
    seen: tellers.filter((files) => files.some(({ sha256 }) => sha256 === file.sha256)).length,
    newer: tellers.filter((files) => files.some(({ made }) => made > file.made)).length,
  }
}

/** `file` as it is remembered. */
export function remembered(file: BelievedFile, now: number): SavedBootstrap {
  const { source, sha256, vendor, made, pairs } = file
  return { source, sha256, vendor, made, read: now, pairs: [...pairs] }
}
