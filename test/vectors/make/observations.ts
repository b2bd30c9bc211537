// Vectors of observations, signed alone and in batches (JWS, OBS).

import { base64url, concat, fromBase64url } from '../../../src/base/bytes.ts'
import { batchHeader, signBatch } from '../../../src/observation/jws.ts'
import type { DnsAnswer, Observation } from '../../../src/observation/observation.ts'
import { utf8 } from '../../../src/base/bytes.ts'
import {
  accepted,
  compact,
  contentOf,
  createStage,
  day,
  misSigned,
  now,
  refusedBy,
  second,
  type Stage,
  type VectorFile,
} from './stage.ts'

const target = 'https://www.example.test'
const nonce = base64url(new Uint8Array(16).fill(7))

/** Answers of the stage's mirror, and what passes for them. */
export function observationVectors(): VectorFile {
  const stage = createStage(4)
  const { id } = stage.mirror.identity
  const cases = [
    ...wholeObservations(stage),
    ...batches(stage),
    ...misSignedOnes(stage),
    ...misfits(stage),
    ...timely(stage),
  ]
  return {
    name: 'observations',
    content: {
      about:
        'Answers to a question about `target` with `nonce` (null: the shared variant) by the mirror `id`, whose keys the descriptor names.',
      descriptor: stage.mirror.identity.descriptor,
      cases: cases.map((one) => ({ id, now, target, nonce, ...one })),
    },
  }
}

const answer: DnsAnswer = {
  status: 'ok',
  records: ['203.0.113.10'],
  ttl: 60,
  ad: false,
  cname: [],
  error: null,
}

/** An observation of the stage's mirror; `change` replaces members of it. */
function observationOf(
  { mirror }: Stage,
  change: Partial<Record<keyof Observation, unknown>> = {},
) {
  const chain = [
    { certificate: '11'.repeat(32), spki: '22'.repeat(32) },
    { certificate: '33'.repeat(32), spki: '44'.repeat(32) },
  ]
  return {
    v: 1,
    iss: mirror.identity.id,
    target,
    nonce,
    sent: now,
    exp: now + 50 * second,
    status: 'answered',
    excuse: null,
    source: 'cache',
    sight: {
      at: now - 10 * second,
      dns: {
        a: answer,
        aaaa: { ...answer, status: 'nodata', records: [] },
        authority: {
          ...answer,
          records: [`2 1 1 ${'44'.repeat(32)}`],
          origin: 'service',
          owner: '_443._tcp.www.example.test',
          base: 'www.example.test',
        },
      },
      handshakes: [
        {
          address: '203.0.113.10',
          port: 443,
          origin: 'own',
          outcome: 'completed',
          error: null,
          protocol: 'TLSv1.3',
          cipher: 'TLS_AES_128_GCM_SHA256',
          group: 'X25519',
          alpn: 'h2',
          chain,
          connectMs: 11.5,
          handshakeMs: 23,
        },
      ],
      dnsMs: 8.2,
    },
    ...change,
  }
}

function signed(
  stage: Stage,
  change: Partial<Record<keyof Observation, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): string {
  const { answerKey, answerKeyId } = stage.mirror.identity
  const usual = { alg: 'EdDSA', typ: 'smn-obs+jws', kid: answerKeyId }
  return compact({ ...usual, ...header }, observationOf(stage, change), answerKey)
}

const excuse = { code: 'busy', text: 'no place came free', retryAfterMs: 1_000 }

function wholeObservations(stage: Stage) {
  const refusal = { code: 'private-target', text: 'loopback', retryAfterMs: null }
  return [
    { name: 'with a sight', statement: signed(stage), ...accepted },
    {
      name: 'of the shared variant',
      nonce: null,
      statement: signed(stage, { nonce: null }),
      ...accepted,
    },
    {
      name: 'with the salt of a log',
      statement: signed(stage, { salt: base64url(new Uint8Array(16).fill(9)) }),
      ...accepted,
    },
    {
      name: 'that has no place',
      statement: signed(stage, { status: 'busy', excuse, source: 'fresh', sight: null }),
      ...accepted,
    },
    {
      name: 'that refuses the target',
      statement: signed(stage, {
        status: 'refused',
        excuse: refusal,
        source: 'fresh',
        sight: null,
      }),
      ...accepted,
    },
    {
      name: 'with a member that nobody knows',
      statement: signed(stage, { colour: 'blue' } as Partial<Record<keyof Observation, unknown>>),
      ...accepted,
    },
  ]
}

/** Batches of one, two, three and five statements: full trees, and filled ones. */
function batches(stage: Stage) {
  const { answerKey, answerKeyId } = stage.mirror.identity
  const header = batchHeader({ type: 'smn-obs+jws', keyId: answerKeyId })
  const nonces = [7, 1, 2, 3, 4].map((fill) => base64url(new Uint8Array(16).fill(fill)))
  const batchOf = (size: number): readonly { nonce: string; statement: string }[] => {
    const chosen = nonces.slice(0, size)
    const inputs = chosen.map(
      (one) => `${header}.${base64url(utf8(JSON.stringify(observationOf(stage, { nonce: one }))))}`,
    )
    const signatures = signBatch(stage.needs.crypto, answerKey, inputs)
    return chosen.map((one, i) => ({
      nonce: one,
      statement: `${inputs[i] ?? ''}.${signatures[i] ?? ''}`,
    }))
  }
  const whole = [1, 2, 3, 5].flatMap((size) =>
    batchOf(size).map((one, i) => ({ name: `at ${i} of a batch of ${size}`, ...one, ...accepted })),
  )
  const [, second_] = batchOf(3)
  const [first] = batchOf(1)
  const changed = (statement: string, change: (signature: Uint8Array) => Uint8Array): string => {
    const at = statement.lastIndexOf('.') + 1
    const signature = fromBase64url(statement.slice(at)) ?? new Uint8Array()
    return statement.slice(0, at) + base64url(change(signature))
  }
  const broken = (name: string, change: (signature: Uint8Array) => Uint8Array, clause: string) => ({
    name: `of a batch, ${name}`,
    nonce: nonces[1],
    statement: changed(second_?.statement ?? '', change),
    ...refusedBy(clause),
  })
  const flip = (bytes: Uint8Array, at: number): Uint8Array =>
    bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
  return [
    ...whole,
    broken('with another signature', (bytes) => flip(bytes, 0), 'OBS-4'),
    broken('with another path', (bytes) => flip(bytes, 65), 'OBS-4'),
    broken('at another place', (bytes) => bytes.with(64, 0), 'OBS-4'),
    broken('at a place beyond its tree', (bytes) => bytes.with(64, 4), 'JWS-7'),
    broken('with a path that is cut', (bytes) => bytes.subarray(0, -1), 'JWS-7'),
    broken('with a path of nine', (bytes) => concat(bytes, new Uint8Array(7 * 32)), 'JWS-7'),
    {
      name: 'of a batch, signed as if it were alone',
      nonce: nonces[0],
      statement: (first?.statement ?? '').replace(
        header,
        base64url(utf8(`{"alg":"EdDSA","typ":"smn-obs+jws","kid":"${answerKeyId}"}`)),
      ),
      ...refusedBy('OBS-4'),
    },
  ]
}

function misSignedOnes(stage: Stage) {
  const { mirror, stranger } = stage
  const { answerKeyId } = mirror.identity
  const statement = signed(stage)
  const [header, payload] = statement.split('.')
  const other = signed(stage, { exp: now + 40 * second }).split('.')[1]
  const content = observationOf(stage)
  const usual = { alg: 'EdDSA', typ: 'smn-obs+jws', kid: answerKeyId }
  return [
    { name: 'with a changed signature', statement: misSigned(statement), ...refusedBy('OBS-4') },
    {
      name: 'with the content of another one',
      statement: statement.replace(payload ?? '', other ?? ''),
      ...refusedBy('OBS-4'),
    },
    {
      name: 'signed by another mirror under our key id',
      statement: compact(usual, content, stranger.identity.answerKey),
      ...refusedBy('OBS-4'),
    },
    {
      name: 'under a key id that the descriptor does not name',
      statement: compact(
        { ...usual, kid: stranger.identity.answerKeyId },
        content,
        stranger.identity.answerKey,
      ),
      ...refusedBy('OBS-3'),
    },
    {
      name: 'without a key id',
      statement: signed(stage, {}, { kid: undefined }),
      ...refusedBy('OBS-3'),
    },
    {
      name: 'of another type',
      statement: signed(stage, {}, { typ: 'smn-list+jws' }),
      ...refusedBy('JWS-1'),
    },
    {
      name: 'of no algorithm',
      statement: signed(stage, {}, { alg: 'none' }),
      ...refusedBy('JWS-2'),
    },
    {
      name: 'of the algorithm of another kind of key',
      statement: signed(stage, {}, { alg: 'ES256' }),
      ...refusedBy('JWS-2'),
    },
    {
      name: 'with a header that nobody knows',
      statement: signed(stage, {}, { b64: true }),
      ...refusedBy('JWS-4'),
    },
    { name: 'with two parts', statement: `${header}.${payload}`, ...refusedBy('JWS-6') },
    {
      name: 'with a part that is no base64url',
      statement: `${statement}=`,
      ...refusedBy('FORM-1'),
    },
    {
      name: 'that is too long',
      statement: `${statement}${'A'.repeat(65_536)}`,
      ...refusedBy('JWS-5'),
    },
  ]
}

/** What is signed well, and is not the answer to the question. */
function misfits(stage: Stage) {
  const { stranger } = stage
  const told = (change: object, clause: string, name: string) => ({
    name,
    statement: signed(stage, change),
    ...refusedBy(clause),
  })
  return [
    told({ iss: stranger.identity.id }, 'OBS-6', 'by another mirror'),
    told({ target: 'https://example.test' }, 'OBS-7', 'about another target'),
    told({ nonce: base64url(new Uint8Array(16)) }, 'OBS-8', 'for another nonce'),
    told({ nonce: null }, 'OBS-8', 'for no nonce'),
    { ...told({}, 'OBS-8', 'for a nonce, where none was sent'), nonce: null },
    told({ sight: null }, 'OBS-11', 'answered without a sight'),
    told({ status: 'busy', excuse }, 'OBS-11', 'busy with a sight'),
    told({ v: 2 }, 'OBS-5', 'of another version'),
    told({ exp: now + 0.5 }, 'OBS-5', 'with half a millisecond'),
    told({ source: 'memory' }, 'OBS-5', 'from an unknown source'),
    told({ sight: { at: now } }, 'OBS-5', 'with half a sight'),
  ]
}

/** Times at their bounds, and one step beyond. */
function timely(stage: Stage) {
  const { exp } = contentOf(stage.mirror)
  const sight = observationOf(stage).sight as object
  const lasting = (change: object): string => signed(stage, change)
  return [
    {
      name: 'by a clock that is 120 s slow',
      now: now - 120 * second,
      statement: lasting({}),
      ...accepted,
    },
    {
      name: 'by a clock that is 121 s slow',
      now: now - 121 * second,
      statement: lasting({}),
      ...refusedBy('OBS-9'),
    },
    { name: '120 s later', now: now + 120 * second, statement: lasting({}), ...accepted },
    { name: '121 s later', now: now + 121 * second, statement: lasting({}), ...refusedBy('OBS-9') },
    {
      name: 'that expires before it is made',
      statement: lasting({ exp: now - 1 }),
      ...refusedBy('OBS-10'),
    },
    {
      name: 'of data 60 s old',
      statement: lasting({ sight: { ...sight, at: now - 60 * second } }),
      ...accepted,
    },
    {
      name: 'of data older than 60 s',
      statement: lasting({ sight: { ...sight, at: now - 60 * second - 1 } }),
      ...refusedBy('OBS-12'),
    },
    {
      name: 'of data from the future',
      statement: lasting({ sight: { ...sight, at: now + 1 } }),
      ...refusedBy('OBS-12'),
    },
    {
      name: 'made when its key had expired',
      now: exp + second,
      statement: lasting({
        sent: exp + 1,
        exp: exp + day,
        sight: { ...sight, at: exp },
      }),
      ...refusedBy('OBS-9'),
    },
  ]
}
