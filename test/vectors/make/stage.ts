// The mirrors, keys and times that all test vectors share. All of it comes from one seed and one time.

import { base64url, utf8 } from '../../../src/base/bytes.ts'
import type { Authority } from '../../../src/identity/issue.ts'
import {
  createMirrorAuthority,
  makeIdentity,
  type MirrorIdentity,
} from '../../../src/mirror/identity.ts'
import type { Descriptor } from '../../../src/protocol/descriptor.ts'
import type { Crypto, Runtime, SigningKey } from '../../../src/runtime/runtime.ts'
import { createSeededCrypto } from '../../support/seeded-crypto.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { jsonIn } from '../../support/conformance-stage.ts'

/** The time of all vectors that name no other, ms since 1970 UTC. */
export const now = Date.UTC(2026, 0, 1)
export const second = 1_000
export const day = 86_400_000

/** A mirror with all its keys. */
export interface StageMirror {
  readonly authority: Authority
  readonly identity: MirrorIdentity
}

/** What vectors are made of. */
export interface Stage {
  readonly needs: Pick<Runtime, 'clock' | 'random' | 'crypto'>
  readonly mirror: StageMirror
  /** A mirror that is not asked. */
  readonly stranger: StageMirror
}

/** The stage of one file of vectors; files do not depend on each other. */
export function createStage(seed: number): Stage {
  const random = createSeededRandom(seed)
  const needs = { clock: createVirtualClock({ now }), random, crypto: createSeededCrypto(random) }
  const mirrorAt = (address: string): StageMirror => {
    const authority = createMirrorAuthority(needs)
    const identity = makeIdentity(needs, authority, {
      addresses: [{ address, port: 443 }],
      domain: 'mirror.example',
      region: 'RIPE-DE',
      contact: ['mailto:operator@mirror.example'],
    })
    return { authority, identity }
  }
  return { needs, mirror: mirrorAt('192.0.2.7'), stranger: mirrorAt('198.51.100.7') }
}

/** What the mirror's descriptor says. */
export function contentOf({ identity }: StageMirror): Descriptor {
  return jsonIn(identity.descriptor.split('.')[1] ?? '') as unknown as Descriptor
}

/** The key of the server certificate. */
export function serverKeyOf(crypto: Crypto, { identity }: StageMirror): SigningKey {
  return crypto.loadKey(identity.keyPem)
}

/** A statement with exactly this header, signed by `key` whatever the header says. */
export function compact(
  header: Readonly<Record<string, unknown>>,
  payload: unknown,
  key: SigningKey,
): string {
  const part = (value: unknown): string =>
    base64url(utf8(typeof value === 'string' ? value : JSON.stringify(value)))
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${base64url(key.sign(utf8(input)))}`
}

/** `statement` with one bit of its signature changed. */
export function misSigned(statement: string): string {
  const at = statement.lastIndexOf('.') + 1
  const first = statement[at] === 'A' ? 'B' : 'A'
  return statement.slice(0, at) + first + statement.slice(at + 1)
}

/** One file of vectors. */
export interface VectorFile {
  /** Of the file, without its ending. */
  readonly name: string
  readonly content: Readonly<Record<string, unknown>>
}

/** Whether a reader takes what a case holds, and the clause by which it does not. */
export interface Verdict {
  readonly expected: 'accepted' | 'refused'
  /** The clause that decides; null where all of them are kept. */
  readonly clause: string | null
}

export const accepted: Verdict = { expected: 'accepted', clause: null }

/** Refused by `clause`. */
export function refusedBy(clause: string): Verdict {
  return { expected: 'refused', clause }
}
