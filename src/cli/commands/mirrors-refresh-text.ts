// What `mirrors refresh` prints: the list in numbers, what has changed, and what speaks against a bootstrap file.

import type { Agreement } from '../../client/bootstrap.ts'
import type { BelievedFile } from '../../client/directory.ts'
import type { SourceNews, SourceWitness } from '../../client/sources.ts'
import type { AgreedMirror } from '../../membership/list.ts'
import type { Pair, VouchedPair } from '../../membership/bootstrap-sources.ts'
import { formatMirrorUrl } from '../../protocol/bootstrap.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import { registryOf } from '../../verdict/regions.ts'
import type { Output } from '../output.ts'
import { bold, dim, green, red, text, type Text } from '../text.ts'
import { dayText } from './ca-shared.ts'

/** One bootstrap file, and what is known of it. */
export interface SourceReport {
  readonly file: BelievedFile
  readonly news: SourceNews
  readonly witness: SourceWitness
}

/** One refresh, done. */
export interface Refresh {
  /** Of the list. */
  readonly path: string
  readonly agreement: Agreement
  /** The list of last time; null for the first one. */
  readonly before: readonly ListEntry[] | null
  readonly sources: readonly SourceReport[]
  /** Mirrors of bootstrap files that too few signers name. */
  readonly left: readonly VouchedPair[]
}

/** Says on standard error what a file leaves out, before anybody is asked. */
export function warnOfSource(out: Output, source: string, news: SourceNews): void {
  const { previous } = news
  if (previous === null) return
  const day = dayText(previous.made)
  if (news.isOlder)
    out.warn(text`${source} is older than the one of ${day}: somebody may keep the newer from you`)
  if (news.isOtherSigner)
    out.warn(text`${source} is not vouched for by the vendor of the one before`)
  if (news.removed.length > 0)
    out.warn(
      text`${source} leaves out ${mirrorsText(news.removed.length)} that the one of ${day} had: ${some(news.removed)}`,
    )
  if (news.changed.length > 0)
    out.warn(
      text`${source} gives ${mirrorsText(news.changed.length)} another place than the one of ${day}: ${some(news.changed.map(({ newer }) => newer))}`,
    )
}

/** The documented object of `--json`. */
export function jsonOfRefresh(refresh: Refresh): unknown {
  const { agreement, sources, left } = refresh
  const { added, removed } = changesOf(refresh)
  return {
    file: refresh.path,
    agreed: agreement.agreed,
    asked: agreement.asked,
    lists: agreement.from.length,
    mirrors: agreement.mirrors.length,
    regions: Object.fromEntries(countRegions(agreement)),
    contested: contestedOf(agreement).map(formatMirrorUrl),
    added: added.map(formatMirrorUrl),
    removed: removed.map(formatMirrorUrl),
    refused: agreement.refused.map(formatMirrorUrl),
    silent: agreement.silent.map(({ mirror, why }) => ({ mirror: formatMirrorUrl(mirror), why })),
    from: agreement.from,
    bootstrap: sources.map(({ file, news, witness }) => ({
      source: file.source,
      sha256: file.sha256,
      vendor: file.vendor === null ? null : `sha256:${file.vendor}`,
      made: file.made,
      mirrors: file.pairs.length,
      before: news.previous?.sha256 ?? null,
      added: news.added.map(formatMirrorUrl),
      removed: news.removed.map(formatMirrorUrl),
      changed: news.changed.map(({ newer }) => formatMirrorUrl(newer)),
      ...witness,
    })),
    left: left.map(formatMirrorUrl),
  }
}

/** For people. */
export function printRefresh(out: Output, refresh: Refresh): void {
  const { agreement, before, sources, left } = refresh
  const regions = countRegions(agreement)
  out.line(
    text`${bold(mirrorsText(agreement.mirrors.length))} in ${regions.length} regions, by the lists of ${agreement.from.length} of ${agreement.asked} mirrors asked`,
  )
  out.table(regions.map(([region, count]) => [`  ${region}`, String(count)]))
  if (before !== null) {
    const { added, removed } = changesOf(refresh)
    printChange(out, green('added'), added)
    printChange(out, red('removed'), removed)
    if (added.length + removed.length === 0) out.line(dim('  nothing added, nothing removed'))
  }
  for (const source of sources) printSource(out, source)
  if (left.length > 0)
    out.note(text`too few signers name ${mirrorsText(left.length)} of the bootstrap files`)
  noteDoubts(out, agreement)
}

function noteDoubts(out: Output, agreement: Agreement): void {
  const { silent, refused, asked } = agreement
  const contested = contestedOf(agreement)
  for (const { mirror, why } of silent.slice(0, shownMax))
    out.note(text`${formatMirrorUrl(mirror)} gave no list: ${why}`)
  if (silent.length > shownMax) out.note(text`no list came from ${silent.length - shownMax} more`)
  if (refused.length > 0)
    out.note(text`left out at addresses that are not public: ${some(refused)}`)
  if (contested.length > 0)
    out.warn(
      text`less than two thirds of the ${asked} asked name ${some(contested)}: the list has it by a narrow majority`,
    )
}

function printSource(out: Output, { file, news, witness }: SourceReport): void {
  const vendor = file.vendor === null ? 'nobody' : `sha256:${file.vendor}`
  out.line(
    text`began with ${file.source}: ${mirrorsText(file.pairs.length)}, made ${dayText(file.made)}, vouched for by ${vendor}`,
  )
  if (news.previous !== null && news.added.length > 0)
    out.line(text`  ${news.added.length} more than the one before`)
  if (witness.told === 0) return
  out.line(text`  seen by ${witness.seen} of ${witness.told} mirrors that tell of such files`)
  if (witness.seen === 0)
    out.warn(
      text`no mirror has seen ${file.source}, but others of this vendor have been seen by ${witness.told}: it may have been made for you alone`,
    )
  if (witness.newer > 0)
    out.warn(
      text`a newer file than ${file.source} was seen by ${mirrorsText(witness.newer)}: get it, and look at what changed`,
    )
}

const shownMax = 10

function printChange(out: Output, what: Text, mirrors: readonly ListEntry[]): void {
  for (const mirror of mirrors.slice(0, shownMax))
    out.line(text`  ${what} ${mirror.region ?? 'unknown'} ${formatMirrorUrl(mirror)}`)
  if (mirrors.length > shownMax) out.line(text`  ${what} ${mirrors.length - shownMax} more`)
}

function some(mirrors: readonly Pair[]): string {
  const named = mirrors.slice(0, 3).map(formatMirrorUrl).join(', ')
  return mirrors.length > 3 ? `${named} and ${mirrors.length - 3} more` : named
}

function changesOf({ agreement, before }: Refresh) {
  const was = new Set((before ?? []).map(formatMirrorUrl))
  const is = new Set(agreement.mirrors.map(formatMirrorUrl))
  return {
    added: agreement.mirrors.filter((one) => !was.has(formatMirrorUrl(one))),
    removed: (before ?? []).filter((one) => !is.has(formatMirrorUrl(one))),
  }
}

/** Named by a majority, but by less than two thirds: with honest mirrors that is rare. */
function contestedOf({ mirrors, asked }: Agreement): readonly AgreedMirror[] {
  return mirrors.filter(({ votes }) => 3 * votes < 2 * asked)
}

function countRegions({ mirrors }: Agreement): readonly (readonly [string, number])[] {
  const counts = Map.groupBy(mirrors, ({ region }) => registryOf(region))
  return [...counts]
    .map(([region, all]) => [region, all.length] as const)
    .toSorted(([a], [b]) => a.localeCompare(b))
}

function mirrorsText(count: number): string {
  return count === 1 ? '1 mirror' : `${count} mirrors`
}
