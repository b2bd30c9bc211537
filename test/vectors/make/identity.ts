// Vectors of keys, ids, texts and descriptors (FORM, ID, JWS, DESC).

import { base64, base64url, fromBase64url, hex } from '../../../src/base/bytes.ts'
import { issueServer } from '../../../src/identity/issue.ts'
import { ed25519Spki } from '../../../src/protocol/descriptor.ts'
import { derOfChain } from '../../support/pem.ts'
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
  serverKeyOf,
  type Stage,
  type VectorFile,
} from './stage.ts'

/** Texts that stand for bytes, and texts that do not. */
export function encodingVectors(): VectorFile {
  const { needs } = createStage(1)
  const lengths = [0, 1, 2, 3, 4, 16, 32]
  const valid = lengths.map((length) => needs.random.bytes(length))
  const invalid = ['A', 'AB', 'AAB', 'AAAAB', 'AA==', 'A+A/', 'AA A', 'AAAé', 'AA\n']
  return {
    name: 'base64url',
    content: {
      about:
        'Base64url without padding. A text is refused unless it is the one encoding of its bytes.',
      cases: [
        ...valid.map((bytes) => ({ text: base64url(bytes), hex: hex(bytes), ...accepted })),
        ...invalid.map((text) => ({ text, hex: null, ...refusedBy('FORM-1') })),
      ],
    },
  }
}

/** How one key leads to the next. The private keys of CA and server are for whoever wants to make vectors of their own. */
export function keyVectors(): VectorFile {
  const { needs, mirror } = createStage(2)
  const { authority, identity } = mirror
  const [server] = derOfChain(identity.chainPem)
  const [answerKey] = contentOf(mirror).answerKeys
  const x = answerKey?.x ?? ''
  return {
    name: 'keys',
    content: {
      about:
        'The keys of one mirror: its CA, its server certificate, its answer key. For tests alone: everybody has them.',
      now,
      authority: {
        certificate: authority.certificatePem,
        key: authority.keyPem,
        spki: hex(authority.certificate.spki),
        id: identity.id,
      },
      server: {
        certificate: identity.chainPem.split(/(?<=-----END CERTIFICATE-----\n)/)[0],
        key: identity.keyPem,
        spki: hex(needs.crypto.readCertificate(server ?? new Uint8Array()).spki),
        addresses: ['192.0.2.7'],
      },
      answerKey: {
        x,
        keyId: answerKey?.keyId,
        spki: hex(ed25519Spki(fromBase64url(x) ?? new Uint8Array())),
      },
      descriptor: identity.descriptor,
    },
  }
}

/** Statements of a mirror about itself. */
export function descriptorVectors(): VectorFile {
  const stage = createStage(3)
  const { id } = stage.mirror.identity
  const cases = [...wholeDescriptors(stage), ...misChained(stage), ...misStated(stage)]
  return {
    name: 'descriptors',
    content: {
      about:
        'Descriptors as they come from a network. `id` is the mirror that is expected, `now` the time of the reader.',
      cases: cases.map((one) => ({ id, now, ...one })),
    },
  }
}

function wholeDescriptors({ mirror }: Stage) {
  const { descriptor } = mirror.identity
  return [
    { name: 'as a mirror makes it', statement: descriptor, ...accepted },
    {
      name: 'by a clock that is slow, within bounds',
      now: now - 120 * second,
      statement: descriptor,
      ...accepted,
    },
    {
      name: 'by a clock that is too slow',
      now: now - 121 * second,
      statement: descriptor,
      ...refusedBy('DESC-7'),
    },
    {
      name: 'at its last moment',
      now: now + 7 * day,
      statement: descriptor,
      ...accepted,
    },
    {
      name: 'after its last moment',
      now: now + 7 * day + 1,
      statement: descriptor,
      ...refusedBy('DESC-7'),
    },
    { name: 'with a changed signature', statement: misSigned(descriptor), ...refusedBy('DESC-4') },
    {
      name: 'without its signature',
      statement: descriptor.replace(/\.[^.]*$/, ''),
      ...refusedBy('JWS-6'),
    },
    { name: 'with padding', statement: `${descriptor}==`, ...refusedBy('FORM-1') },
  ]
}

/** Descriptors whose chain is another one than it should be. */
function misChained({ needs, mirror, stranger }: Stage) {
  const { crypto } = needs
  const content = contentOf(mirror)
  const chain = derOfChain(mirror.identity.chainPem)
  const [server, authority] = chain.map(base64)
  const [, strange] = derOfChain(stranger.identity.chainPem).map(base64)
  const key = serverKeyOf(crypto, mirror)
  const signed = (x5c: readonly (string | undefined)[], by = key): string =>
    compact({ alg: 'ES256', typ: 'smn-descriptor+jws', x5c }, content, by)
  const other = issueServer(needs, stranger.authority, { names: ['192.0.2.7'] })
  return [
    {
      name: 'whose chain ends behind the server',
      statement: signed([server]),
      ...refusedBy('DESC-3'),
    },
    {
      name: 'whose CA is that of another mirror',
      statement: signed([server, strange]),
      ...refusedBy('DESC-3'),
    },
    {
      name: 'whose server certificate is under another CA',
      statement: signed([base64(other.certificate.der), authority], other.key),
      ...refusedBy('DESC-3'),
    },
    {
      name: 'signed by another key than that of its server certificate',
      statement: signed([server, authority], other.key),
      ...refusedBy('DESC-4'),
    },
    {
      name: 'signed by the CA itself',
      statement: signed([server, authority], mirror.authority.key),
      ...refusedBy('DESC-4'),
    },
    {
      name: 'expected of another mirror',
      id: stranger.identity.id,
      statement: mirror.identity.descriptor,
      ...refusedBy('DESC-3'),
    },
    {
      name: 'when its server certificate has expired',
      now: now + 91 * day,
      statement: compact(
        { alg: 'ES256', typ: 'smn-descriptor+jws', x5c: [server, authority] },
        { ...content, iat: now + 90 * day, exp: now + 95 * day },
        key,
      ),
      ...refusedBy('DESC-3'),
    },
  ]
}

/** Descriptors whose header or content is not what it should be. */
function misStated({ needs, mirror, stranger }: Stage) {
  const content = contentOf(mirror)
  const x5c = derOfChain(mirror.identity.chainPem).map(base64)
  const key = serverKeyOf(needs.crypto, mirror)
  const header = { alg: 'ES256', typ: 'smn-descriptor+jws', x5c }
  const { answerKey } = mirror.identity
  const told = (change: object): string => compact(header, { ...content, ...change }, key)
  const headed = (change: object, by = key): string =>
    compact({ ...header, ...change }, content, by)
  return [
    { name: 'of another type', statement: headed({ typ: 'smn-list+jws' }), ...refusedBy('JWS-1') },
    { name: 'without a type', statement: headed({ typ: undefined }), ...refusedBy('JWS-1') },
    { name: 'of no algorithm', statement: headed({ alg: 'none' }), ...refusedBy('JWS-2') },
    {
      name: 'of the algorithm of another kind of key',
      statement: headed({ alg: 'EdDSA' }, answerKey),
      ...refusedBy('JWS-2'),
    },
    {
      name: 'with a header that changes its meaning',
      statement: headed({ crit: ['exp'] }),
      ...refusedBy('JWS-4'),
    },
    {
      name: 'with five certificates',
      statement: headed({ x5c: [...x5c, ...x5c, x5c[0]] }),
      ...refusedBy('JWS-4'),
    },
    { name: 'with a member that nobody knows', statement: told({ colour: 'blue' }), ...accepted },
    { name: 'without sealed questions', statement: told({ ohttp: null }), ...accepted },
    { name: 'of another version', statement: told({ v: 2 }), ...refusedBy('DESC-2') },
    { name: 'without addresses', statement: told({ addresses: [] }), ...refusedBy('DESC-2') },
    {
      name: 'with port 0',
      statement: told({ addresses: [{ address: '192.0.2.7', port: 0 }] }),
      ...refusedBy('DESC-2'),
    },
    { name: 'without answer keys', statement: told({ answerKeys: [] }), ...refusedBy('DESC-2') },
    {
      name: 'whose content is no JSON',
      statement: compact(header, '{', key),
      ...refusedBy('DESC-2'),
    },
    {
      name: 'about another mirror',
      statement: told({ id: stranger.identity.id }),
      ...refusedBy('DESC-5'),
    },
    {
      name: 'that is to live for eight days',
      statement: told({ exp: now + 8 * day }),
      ...refusedBy('DESC-6'),
    },
    {
      name: 'dated in the future',
      statement: told({ iat: now + 121 * second }),
      ...refusedBy('DESC-7'),
    },
  ]
}
