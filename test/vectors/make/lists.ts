// Vectors of lists, their digests, and the bootstrap files that clients begin with (LIST, BOOT).

import { base64, base64url, hex } from '../../../src/base/bytes.ts'
import { issueServer, createAuthority } from '../../../src/identity/issue.ts'
import { spkiHash } from '../../../src/observation/fingerprint.ts'
import { bucketDigest, bucketOf, listDigest } from '../../../src/membership/list-digest.ts'
import { listedOf, type KnownMirror } from '../../../src/protocol/lists.ts'
import {
  accepted,
  compact,
  createStage,
  day,
  misSigned,
  now,
  refusedBy,
  second,
  type Stage,
  type VectorFile,
} from './stage.ts'

/** Entries, the hashes of their buckets, and statements of them. */
export function listVectors(): VectorFile {
  const stage = createStage(5)
  const { id, descriptor } = stage.mirror.identity
  const mirrors = entriesOf(stage)
  return {
    name: 'lists',
    content: {
      about:
        'A list, the hashes of those of its buckets that are not empty, and statements of it. `want` is what the list was asked to be narrowed down to.',
      descriptor,
      mirrors,
      buckets: Object.fromEntries(
        [...Map.groupBy(mirrors, (one) => bucketOf(one.id))].map(([bucket, entries]) => [
          hex(Uint8Array.of(bucket)),
          hex(bucketDigest(stage.needs.crypto, entries.map(listedOf))),
        ]),
      ),
      emptyBucket: hex(stage.needs.crypto.digest('sha256', new Uint8Array())),
      digest: digestOf(stage, mirrors),
      cases: [...listCases(stage, mirrors), ...digestCases(stage, mirrors)].map((one) => ({
        id,
        now,
        ...one,
      })),
    },
  }
}

/** Mirrors of all states and forms of address, two of them in one bucket. */
function entriesOf({ needs }: Stage): readonly KnownMirror[] {
  const idFrom = (first: number): string =>
    base64url(Uint8Array.of(first, ...needs.random.bytes(31)))
  const entry = (first: number, change: Partial<KnownMirror>): KnownMirror => ({
    ip: '192.0.2.1',
    port: 443,
    id: idFrom(first),
    region: 'RIPE-DE',
    since: now - day,
    status: 'active',
    ...change,
  })
  return [
    entry(0x00, {}),
    entry(0x7f, { ip: '2001:db8::7', port: 8443, region: 'ARIN' }),
    entry(0x7f, { ip: '198.51.100.9', region: null, status: 'probation' }),
    entry(0xfe, { ip: '203.0.113.1', status: 'candidate' }),
    entry(0xff, { ip: '203.0.113.2', region: 'APNIC-JP', status: 'inactive' }),
  ]
}

function digestOf({ needs }: Stage, mirrors: readonly KnownMirror[]): string {
  return base64url(listDigest(needs.crypto, mirrors.map(listedOf)))
}

const everything = { bucket: null, region: null, status: null }

function listCases(stage: Stage, mirrors: readonly KnownMirror[]) {
  const { identity } = stage.mirror
  const head = { v: 1, iss: identity.id, iat: now }
  const signed = (change: object, header: object = {}): string =>
    compact(
      { alg: 'EdDSA', typ: 'smn-list+jws', kid: identity.answerKeyId, ...header },
      { ...head, ...everything, mirrors, ...change },
      identity.answerKey,
    )
  const list = (name: string, statement: string, verdict: object) => ({
    name: `a list ${name}`,
    type: 'smn-list+jws',
    want: everything,
    statement,
    ...verdict,
  })
  const wrongEntry = (change: object): string =>
    signed({ mirrors: mirrors.map((one, i) => (i === 1 ? { ...one, ...change } : one)) })
  const bucket = mirrors.filter(({ id }) => bucketOf(id) === 0x7f)
  const active = mirrors.filter(({ status }) => status === 'active')
  return [
    list('as a mirror makes it', signed({}), accepted),
    list('without entries', signed({ mirrors: [] }), accepted),
    {
      ...list('that is one bucket', signed({ bucket: '7f', mirrors: bucket }), accepted),
      want: { ...everything, bucket: '7f' },
    },
    {
      ...list(
        'that is another bucket than was asked for',
        signed({ bucket: '7f', mirrors: bucket }),
        refusedBy('LIST-8'),
      ),
      want: { ...everything, bucket: '00' },
    },
    {
      ...list('of one state', signed({ status: 'active', mirrors: active }), accepted),
      want: { ...everything, status: 'active' },
    },
    list(
      'of one state, where all were asked for',
      signed({ status: 'active', mirrors: active }),
      refusedBy('LIST-9'),
    ),
    list('with a changed signature', misSigned(signed({})), refusedBy('LIST-2')),
    list('of another type', signed({}, { typ: 'smn-list-digest+jws' }), refusedBy('LIST-2')),
    list('of another author', signed({ iss: stage.stranger.identity.id }), refusedBy('LIST-2')),
    list('that is 10 minutes old', signed({ iat: now - 600 * second }), accepted),
    list('that is too old', signed({ iat: now - 721 * second }), refusedBy('LIST-3')),
    list('of the future', signed({ iat: now + 121 * second }), refusedBy('LIST-3')),
    list(
      'with an address that is not in its usual text',
      wrongEntry({ ip: '2001:DB8::7' }),
      refusedBy('LIST-2'),
    ),
    list('with a name for an address', wrongEntry({ ip: 'example.test' }), refusedBy('LIST-2')),
    list('with a short id', wrongEntry({ id: 'abc' }), refusedBy('LIST-2')),
    list('with a state that there is not', wrongEntry({ status: 'gone' }), refusedBy('LIST-2')),
    list('with a region in small letters', wrongEntry({ region: 'ripe-de' }), refusedBy('LIST-2')),
  ]
}

function digestCases(stage: Stage, mirrors: readonly KnownMirror[]) {
  const { identity } = stage.mirror
  const whole = {
    v: 1,
    iss: identity.id,
    iat: now,
    count: mirrors.length,
    digest: digestOf(stage, mirrors),
  }
  const signed = (change: object): string =>
    compact(
      { alg: 'EdDSA', typ: 'smn-list-digest+jws', kid: identity.answerKeyId },
      { ...whole, ...change },
      identity.answerKey,
    )
  const digest = (name: string, statement: string, verdict: object) => ({
    name: `a digest ${name}`,
    type: 'smn-list-digest+jws',
    want: null,
    statement,
    ...verdict,
  })
  return [
    digest('as a mirror makes it', signed({}), accepted),
    digest('with a changed signature', misSigned(signed({})), refusedBy('LIST-2')),
    digest('that is too old', signed({ iat: now - 721 * second }), refusedBy('LIST-3')),
    digest(
      'of 255 buckets',
      signed({ digest: base64url(new Uint8Array(255 * 32)) }),
      refusedBy('LIST-2'),
    ),
    digest('of more mirrors than there may be', signed({ count: 20_001 }), refusedBy('LIST-2')),
  ]
}

/** Bootstrap files, with and without somebody who vouches for them. */
export function bootstrapVectors(): VectorFile {
  const stage = createStage(6)
  const { needs, mirror } = stage
  const vendor = createAuthority(needs, { name: 'Vendor' })
  const pair = { ip: '192.0.2.7', port: 443, id: mirror.identity.id, region: 'RIPE-DE' }
  const content = { v: 1, iat: now, pairs: [pair] }
  const signerFor = (names: readonly string[], authority = vendor) =>
    issueServer(needs, authority, { names, days: 30 })
  const signer = signerFor(['bootstrap.vendor.example'])
  const chained = (one = signer, ca = vendor): readonly string[] => [
    base64(one.certificate.der),
    base64(ca.certificate.der),
  ]
  const signed = (x5c: readonly string[], by = signer, header: object = {}): string =>
    compact({ alg: 'ES256', typ: 'smn-bootstrap+jws', x5c, ...header }, content, by.key)
  const plain = (change: object): string => JSON.stringify({ ...content, ...change })
  const www = signerFor(['www.vendor.example'])
  const stranger = createAuthority(needs, { name: 'Stranger' })
  const hash = spkiHash(needs.crypto, vendor.certificate)
  const file = (name: string, text: string, verdict: object) => ({
    name,
    file: text,
    vendor: null as string | null,
    ...verdict,
  })
  const vouched = (name: string, text: string, verdict: object) => ({
    ...file(name, text, verdict),
    vendor: hash,
  })
  return {
    name: 'bootstrap',
    content: {
      about:
        'Bootstrap files. `vendor` is the SHA-256 of the SPKI of the CA that vouches for one that is accepted.',
      cases: [
        file('vouched for by nobody', plain({}), accepted),
        file('with white space around it', `\n ${plain({})}\n`, accepted),
        vouched('vouched for by a vendor', signed(chained()), accepted),
        vouched('vouched for, with a line feed behind it', `${signed(chained())}\n`, accepted),
        file('with a changed signature', misSigned(signed(chained())), refusedBy('BOOT-2')),
        file(
          'signed by the CA itself',
          signed(chained(), { ...signer, key: vendor.key }),
          refusedBy('BOOT-2'),
        ),
        file('without the CA', signed(chained().slice(0, 1)), refusedBy('BOOT-2')),
        file(
          'of another type',
          signed(chained(), signer, { typ: 'smn-list+jws' }),
          refusedBy('JWS-1'),
        ),
        file(
          'whose signer is under another CA',
          signed(chained(signer, stranger)),
          refusedBy('BOOT-3'),
        ),
        {
          ...file('whose signer has expired', signed(chained()), refusedBy('BOOT-3')),
          now: now + 31 * day,
        },
        file('whose signer is for another purpose', signed(chained(www), www), refusedBy('BOOT-4')),
        file('without pairs', plain({ pairs: [] }), refusedBy('FORM-4')),
        file(
          'with a name for an address',
          plain({ pairs: [{ ...pair, ip: 'example.test' }] }),
          refusedBy('FORM-5'),
        ),
        file('of another version', plain({ v: 2 }), refusedBy('FORM-4')),
        file('that is empty', '', refusedBy('FORM-4')),
      ].map((one) => ({ now, ...one })),
    },
  }
}
