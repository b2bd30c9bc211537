// The client's list of mirrors: read from bootstrap files and from its own home, and asked of mirrors themselves.

import ipaddr from 'ipaddr.js'
import { hex, textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Verified } from '../observation/observation.ts'
import { readBootstrap, type Bootstrap } from '../protocol/bootstrap.ts'
import { verifyDescriptor, type Descriptor } from '../protocol/descriptor.ts'
import { mirrorPool, peerOf } from '../protocol/peers.ts'
import { paths, wellKnownSchema, type ListEntry } from '../protocol/routes.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** A file of mirrors and where its bytes come from, for messages. */
export interface MirrorFile {
  readonly source: string
  readonly bytes: Uint8Array
}

/** Which files are believed, and which addresses. */
export interface MirrorFileOptions {
  /** Takes private addresses, for test networks. */
  readonly allowPrivate: boolean
  /**
   * Hexadecimal SHA-256 of the SPKI of vendor CAs. With any, every file must be signed under one of them: they are the
   * only authorities that a client comes with (R15).
   */
  readonly vendors?: readonly string[]
}

/** A bootstrap file as it was read and believed. */
export interface BelievedFile extends Pick<Bootstrap, 'pairs' | 'vendor'> {
  readonly source: string
  /** Lower-case hexadecimal, of the file's bytes. */
  readonly sha256: string
  /** When it was made, as it says itself. */
  readonly made: number
}

/**
 * The files that are believed: readable, by a vendor that is named where any is, with public addresses alone.
 * @throws Failure bootstrap-malformed, bootstrap-private, bootstrap-unvouched
 */
export function readMirrorFiles(
  needs: Pick<Runtime, 'clock' | 'crypto'>,
  files: readonly MirrorFile[],
  options: MirrorFileOptions,
): readonly BelievedFile[] {
  const { vendors = [] } = options
  return files.map(({ source, bytes }) => {
    const file = readBootstrap({ crypto: needs.crypto, now: needs.clock.now() }, bytes, source)
    const { pairs, vendor, iat: made } = file
    if (vendors.length > 0 && !vendors.includes(vendor ?? ''))
      throw new Failure('bootstrap-unvouched', { source, vendor })
    const hidden = pairs.find((pair) => ipaddr.process(pair.ip).range() !== 'unicast')
    if (!options.allowPrivate && hidden !== undefined)
      throw new Failure('bootstrap-private', { source, ip: hidden.ip })
    return { source, sha256: hex(needs.crypto.digest('sha256', bytes)), vendor, made, pairs }
  })
}

/**
 * The mirrors of all `files` together, each once.
 * @throws Failure bootstrap-malformed, bootstrap-private, bootstrap-unvouched
 */
export function mirrorsOf(
  needs: Pick<Runtime, 'clock' | 'crypto'>,
  files: readonly MirrorFile[],
  options: MirrorFileOptions,
): readonly ListEntry[] {
  const known = new Map<string, ListEntry>()
  for (const { pairs } of readMirrorFiles(needs, files, options))
    for (const pair of pairs) known.set(`${pair.ip} ${pair.port} ${pair.id}`, pair)
  return [...known.values()]
}

/**
 * What the mirror at `pair` says of itself, over a connection under its pinned CA.
 * @throws Failure mirror-rejected, statement-rejected; NetworkError
 */
export async function askDescriptor(
  needs: Pick<Runtime, 'clock' | 'crypto' | 'network'>,
  pair: Pick<ListEntry, 'ip' | 'port' | 'id'>,
  signal: AbortSignal,
): Promise<Verified<Descriptor>> {
  const pool = mirrorPool(needs)
  try {
    const response = await pool.request(peerOf(pair), {
      method: 'GET',
      path: paths.descriptor,
      bytesMax: 2 * limits.descriptorBytesMax,
      signal,
    })
    const parsed = wellKnownSchema.safeParse(parseJson(textOf(response.body)))
    if (response.status !== 200 || !parsed.success)
      throw new Failure('mirror-rejected', {
        mirror: pair.id,
        why: `it answered with status ${response.status} and no descriptor`,
      })
    return verifyDescriptor(needs.crypto, parsed.data.descriptor, {
      id: pair.id,
      now: needs.clock.now(),
    })
  } finally {
    pool.close()
  }
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}
