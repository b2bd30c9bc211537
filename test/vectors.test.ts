// Our code over the test vectors that are there for everybody, and the vectors themselves: as they would be made now.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { base64url, fromBase64url, fromHex, hex, utf8 } from '../src/base/bytes.ts'
import { Failure } from '../src/base/failure.ts'
import { bucketDigest, bucketOf, listDigest } from '../src/membership/list-digest.ts'
import { parseAssociation } from '../src/observation/association.ts'
import { mirrorIdOf } from '../src/observation/fingerprint.ts'
import { checkHeads, verifyHead } from '../src/observation/log-head.ts'
import { leafOf, type Logged } from '../src/observation/log-leaf.ts'
import { verifyConsistency, verifyInclusion } from '../src/observation/merkle.ts'
import type { DnsAnswer } from '../src/observation/observation.ts'
import { isRejection, verifyObservation, type AnswerKey } from '../src/observation/sign.ts'
import { isCanonicalTarget, parseTarget } from '../src/observation/target.ts'
import { matchAssociations, type PkixAs } from '../src/observation/tlsa.ts'
import { readRequest, readResponse } from '../src/protocol/binary-http.ts'
import { readBootstrap } from '../src/protocol/bootstrap.ts'
import { answerKeysOf, verifyDescriptor } from '../src/protocol/descriptor.ts'
import {
  listedOf,
  verifyListDigest,
  verifyMirrorList,
  type KnownMirror,
  type MirrorList,
} from '../src/protocol/lists.ts'
import { openRequest, readKeyConfiguration, sealRequest } from '../src/protocol/ohttp.ts'
import { verifyNotice, verifyRemoveRequest, verifyVote } from '../src/protocol/removal.ts'
import { nodeCrypto } from '../src/runtime/node/crypto.ts'
import type { QueryType } from '../src/vantage/dns/resolver.ts'
import { resolveTarget } from '../src/vantage/dns/resolve.ts'
import { addressRefusal, portRefusal } from '../src/vantage/address.ts'
import { clausesOf, specificationPath } from '../tools/specification.ts'
import { readCertificates } from './support/pem.ts'
import { vectorFiles } from './vectors/make/all.ts'

interface Case {
  readonly name: string
  readonly expected: 'accepted' | 'refused'
  readonly clause: string | null
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8')) as T
}

const crypto = nodeCrypto
const bytesOf = (digits: string): Uint8Array => fromHex(digits) ?? assert.fail(digits)
const hashOf = (text: string): Uint8Array => fromBase64url(text) ?? assert.fail(text)

/** Why `work` does not take what it is given; null when it does. */
function refusal(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    if (Failure.is(error)) return error.message
    throw error
  }
}

/** One test for each case of a list: refused ones for the reason of their clause. */
function eachWithReason<C extends Case>(
  cases: readonly C[],
  reasons: Readonly<Record<string, RegExp>>,
  why: (one: C) => string | null,
): void {
  for (const one of cases)
    test(`${one.name}: ${one.expected} ${one.clause ?? ''}`, () => {
      const reason = one.clause === null ? null : reasons[one.clause]
      if (reason === null) assert.equal(why(one), null)
      else assert.match(why(one) ?? 'accepted', reason ?? /no reason is known/)
    })
}

/** One test for each case of a list. */
function each<C extends Case>(title: string, cases: readonly C[], work: (one: C) => boolean): void {
  for (const one of cases)
    test(`${title} ${one.name}: ${one.expected}`, () => {
      assert.equal(work(one), one.expected === 'accepted')
    })
}

suite('the files', () => {
  test('are as they would be made now', async () => {
    for (const [name, text] of await vectorFiles())
      assert.equal(
        readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'),
        text,
        `${name} is old: npm run vectors makes it anew`,
      )
  })

  test('name clauses of the specification', async () => {
    const specification = readFileSync(new URL(`../${specificationPath}`, import.meta.url), 'utf8')
    const known = new Set(clausesOf(specification))
    for (const [name, text] of await vectorFiles())
      for (const [, clause = ''] of text.matchAll(/"clause": "([^"]+)"/g))
        assert.ok(known.has(clause), `${name} names ${clause}`)
  })
})

suite('base64url', () => {
  const { cases } = read<{ cases: (Case & { text: string; hex: string | null })[] }>('base64url')
  for (const one of cases)
    test(`${JSON.stringify(one.text)}: ${one.expected}`, () => {
      const bytes = fromBase64url(one.text)
      assert.equal(bytes === null ? null : hex(bytes), one.hex)
      if (bytes !== null) assert.equal(base64url(bytes), one.text)
    })
})

test('the keys of a mirror lead to its id and to its answers', () => {
  const keys = read<{
    now: number
    authority: { certificate: string; key: string; spki: string; id: string }
    server: { certificate: string; key: string; spki: string; addresses: string[] }
    answerKey: { x: string; keyId: string; spki: string }
    descriptor: string
  }>('keys')
  const [authority] = readCertificates(keys.authority.certificate)
  const [server] = readCertificates(keys.server.certificate)
  assert.ok(authority !== undefined && server !== undefined)
  assert.equal(hex(authority.spki), keys.authority.spki)
  assert.equal(mirrorIdOf(crypto, authority.spki), keys.authority.id)
  assert.equal(hex(server.spki), keys.server.spki)
  assert.deepEqual(server.ipAddresses, keys.server.addresses)
  assert.ok(crypto.isSignedBy(server, authority.spki))
  for (const [pem, spki] of [
    [keys.authority.key, keys.authority.spki],
    [keys.server.key, keys.server.spki],
  ] as const)
    assert.equal(hex(crypto.loadKey(pem).publicKey.spki), spki)
  const descriptor = verifyDescriptor(crypto, keys.descriptor, {
    id: keys.authority.id,
    now: keys.now,
  })
  const [answerKey] = answerKeysOf(descriptor)
  assert.equal(answerKey?.keyId, keys.answerKey.keyId)
  assert.equal(hex(answerKey?.key.spki ?? new Uint8Array()), keys.answerKey.spki)
  const thumbprint = crypto.digest(
    'sha256',
    `{"crv":"Ed25519","kty":"OKP","x":"${keys.answerKey.x}"}`,
  )
  assert.equal(base64url(thumbprint), keys.answerKey.keyId)
})

suite('descriptors', () => {
  const { cases } = read<{ cases: (Case & { id: string; now: number; statement: string })[] }>(
    'descriptors',
  )
  const reasons = {
    'FORM-1': /not base64url/,
    'JWS-1': /it is a "smn-list|type is missing/,
    'JWS-2': /not one of ours|signature/,
    'JWS-4': /header|certificates/,
    'JWS-6': /three parts/,
    'DESC-2': /not a descriptor/,
    'DESC-3': /chain|CA|certificate of it has expired/,
    'DESC-4': /signature/,
    'DESC-5': /names another mirror/,
    'DESC-6': /more than 7 days/,
    'DESC-7': /has expired|in the future|not valid yet/,
  }
  eachWithReason(cases, reasons, ({ id, now, statement }) =>
    refusal(() => verifyDescriptor(crypto, statement, { id, now })),
  )
})

/** The keys that a descriptor names, whenever it is read. */
function keysIn(descriptor: string, id: string, now: number): readonly AnswerKey[] {
  return answerKeysOf(verifyDescriptor(crypto, descriptor, { id, now }))
}

const began = Date.UTC(2026, 0, 1)

suite('observations', () => {
  const file = read<{
    descriptor: string
    cases: (Case & {
      id: string
      now: number
      target: string
      nonce: string | null
      statement: string
    })[]
  }>('observations')
  const reasons = {
    'FORM-1': /not base64url/,
    'JWS-1': /^wrong-type/,
    'JWS-2': /not one of ours|^bad-signature/,
    'JWS-4': /its header/,
    'JWS-5': /at most/,
    'JWS-6': /three parts/,
    'JWS-7': /^bad-signature/,
    'OBS-3': /^wrong-key/,
    'OBS-4': /^bad-signature/,
    'OBS-5': /not an observation/,
    'OBS-6': /^wrong-vantage/,
    'OBS-7': /^wrong-target/,
    'OBS-8': /^wrong-nonce/,
    'OBS-9': /^wrong-time|^wrong-key/,
    'OBS-10': /^stale/,
    'OBS-11': /status and its content disagree/,
    'OBS-12': /^stale/,
  }
  eachWithReason(file.cases, reasons, ({ id, now, target, nonce, statement }) => {
    const answerKeys = keysIn(file.descriptor, id, began)
    const expected = { vantage: id, answerKeys, target, nonce, now }
    const verified = verifyObservation(crypto, statement, expected)
    return isRejection(verified) ? `${verified.code}: ${verified.text}` : null
  })
})

suite('lists', () => {
  const file = read<{
    descriptor: string
    mirrors: KnownMirror[]
    buckets: Record<string, string>
    emptyBucket: string
    digest: string
    cases: (Case & {
      id: string
      now: number
      type: string
      want: Pick<MirrorList, 'bucket' | 'region' | 'status'> | null
      statement: string
    })[]
  }>('lists')
  test('buckets and digest', () => {
    const listed = file.mirrors.map(listedOf)
    assert.equal(base64url(listDigest(crypto, listed)), file.digest)
    assert.equal(hex(bucketDigest(crypto, [])), file.emptyBucket)
    for (const [bucket, hash] of Object.entries(file.buckets)) {
      const entries = listed.filter(({ id }) => bucketOf(id) === Number.parseInt(bucket, 16))
      assert.equal(hex(bucketDigest(crypto, entries)), hash)
      assert.equal(hex(bucketDigest(crypto, entries.toReversed())), hash)
    }
  })
  const reasons = {
    'LIST-2': /it is a|signature|another mirror|at (mirrors|digest|count)/,
    'LIST-3': /too old|in the future/,
    'LIST-8': /for bucket/,
    'LIST-9': /for status/,
  }
  eachWithReason(file.cases, reasons, ({ id, now, want, statement }) => {
    const author = { id, now, answerKeys: keysIn(file.descriptor, id, began) }
    return refusal(() =>
      want === null
        ? verifyListDigest(crypto, statement, author)
        : verifyMirrorList(crypto, statement, { ...author, ...want }),
    )
  })
})

suite('bootstrap files', () => {
  const { cases } = read<{
    cases: (Case & { now: number; file: string; vendor: string | null })[]
  }>('bootstrap')
  const reasons = {
    'BOOT-2': /signature|signer and a CA/,
    'BOOT-3': /not vouched for/,
    'BOOT-4': /may not sign/,
    'FORM-4': /at pairs|at v|JSON/,
    'FORM-5': /not an IP address/,
    'JWS-1': /it is a/,
  }
  eachWithReason(cases, reasons, ({ now, file, vendor, expected }) =>
    refusal(() => {
      const bootstrap = readBootstrap({ crypto, now }, utf8(file), 'b.json')
      if (expected === 'accepted') assert.equal(bootstrap.vendor, vendor)
    }),
  )
})

suite('the log', () => {
  type Inclusion = Case & {
    index: number
    size: number
    leaf: string
    root: string
    path: string[]
  }
  type Consistency = Case & {
    from: number
    to: number
    older: string
    newer: string
    path: string[]
  }
  const file = read<{
    now: number
    id: string
    descriptor: string
    sights: (Logged & { name: string; leaf: string })[]
    inclusion: Inclusion[]
    consistency: Consistency[]
    heads: (Case & { now: number; statement: string })[]
    pairs: {
      name: string
      heads: [string, string]
      proof: { root: string; path: string[] } | null
      finding: string
    }[]
  }>('log')
  const answerKeys = keysIn(file.descriptor, file.id, file.now)
  for (const { name, leaf, target, salt, sight } of file.sights)
    test(`the leaf of ${name}`, () => {
      assert.equal(base64url(leafOf(crypto, { target, salt, sight })), leaf)
    })
  each('inclusion,', file.inclusion, ({ leaf, root, path, index, size }) =>
    verifyInclusion(crypto, {
      leaf: hashOf(leaf),
      root: hashOf(root),
      path: path.map(hashOf),
      index,
      size,
    }),
  )
  each('consistency,', file.consistency, ({ older, newer, path, from, to }) =>
    verifyConsistency(crypto, {
      older: hashOf(older),
      newer: hashOf(newer),
      path: path.map(hashOf),
      from,
      to,
    }),
  )
  each('a head', file.heads, ({ now, statement }) => {
    const head = verifyHead(crypto, statement, { vantage: file.id, answerKeys, now })
    return !isRejection(head)
  })
  for (const { name, heads, proof, finding } of file.pairs)
    test(`two heads, ${name}: ${finding}`, () => {
      const [one, other] = heads.map((statement) => {
        const head = verifyHead(crypto, statement, { vantage: file.id, answerKeys, now: null })
        return isRejection(head) ? assert.fail(head.text) : head
      })
      assert.ok(one !== undefined && other !== undefined)
      const shown =
        proof === null ? null : { root: hashOf(proof.root), path: proof.path.map(hashOf) }
      assert.equal(checkHeads(crypto, [one, other], shown).outcome, finding)
    })
})

suite('letters', () => {
  const file = read<{
    descriptor: string
    cases: (Case & {
      id: string
      now: number
      type: keyof typeof readers
      statement: string
    })[]
  }>('letters')
  const readers = {
    'smn-remove+jws': verifyRemoveRequest,
    'smn-vote+jws': verifyVote,
    'smn-notice+jws': verifyNotice,
  }
  const reasons = {
    'FORM-4': /at [a-z]/,
    'JWS-1': /it is a/,
    'JWS-4': /its header/,
    'LET-1': /signature|another mirror|not its author's/,
    'LET-2': /too old|in the future/,
  }
  eachWithReason(file.cases, reasons, ({ id, now, type, statement }) => {
    const author = { id, now, answerKeys: keysIn(file.descriptor, id, began) }
    return refusal(() => readers[type](crypto, statement, author))
  })
})

suite('targets', () => {
  const { cases } = read<{ cases: (Omit<Case, 'name'> & { text: string })[] }>('targets')
  each(
    '',
    cases.map((one) => ({ ...one, name: JSON.stringify(one.text.slice(0, 60)) })),
    ({ text }) => isCanonicalTarget(text),
  )
})

suite('addresses and ports', () => {
  const file = read<{
    cases: (Omit<Case, 'name'> & { address: string })[]
    ports: (Omit<Case, 'name'> & { port: number })[]
  }>('addresses')
  each(
    '',
    file.cases.map((one) => ({ ...one, name: one.address })),
    ({ address }) => addressRefusal(address) === null,
  )
  each(
    'port',
    file.ports.map((one) => ({ ...one, name: String(one.port) })),
    ({ port }) => portRefusal(port) === null,
  )
})

suite('whose word holds', () => {
  const file = read<{
    absent: DnsAnswer
    cases: {
      name: string
      host: string
      port: number
      zone: Record<string, Partial<Record<QueryType, DnsAnswer>>>
      expected: Record<string, unknown>
    }[]
  }>('authority')
  for (const { name, host, port, zone, expected } of file.cases)
    test(name, async () => {
      const resolver = {
        query: async (asked: string, type: QueryType) => zone[asked]?.[type] ?? file.absent,
      }
      const target = parseTarget(`https://${host}:${port}`)
      const { authority } = await resolveTarget(resolver, target, new AbortController().signal)
      for (const [member, value] of Object.entries(expected))
        assert.deepEqual(authority[member as keyof typeof authority], value, member)
    })
})

suite('chains and records', () => {
  const file = read<{
    chains: Record<string, string[]>
    cases: {
      name: string
      chain: string
      names: string[]
      at: number
      pkixAs?: PkixAs
      records: string[]
      matched: string | null
      misses?: string[]
    }[]
  }>('tlsa')
  for (const { name, chain, records, matched, misses, ...rest } of file.cases)
    test(`${name}: ${matched === null ? 'no' : 'yes'}`, () => {
      const result = matchAssociations(
        {
          ...rest,
          chain: readCertificates((file.chains[chain] ?? []).join('')),
          associations: records.map(parseAssociation),
        },
        crypto,
      )
      if (matched !== null) {
        assert.ok(result.matched !== null, JSON.stringify(result))
        assert.deepEqual(result.matched, parseAssociation(matched))
        return
      }
      assert.ok(result.matched === null)
      assert.deepEqual(
        result.reasons.map(({ code }) => code),
        misses,
      )
    })
})

suite('sealed questions', () => {
  const file = read<{
    privateKey: string
    keyId: number
    configuration: string
    request: { message: string; encapsulatedKey: string; sealed: string }
    response: { message: string; sealed: string }
    configurations: (Case & { hex: string })[]
    requests: (Case & { hex: string; problem: string | null })[]
    messages: (Case & { hex: string })[]
  }>('oblivious')
  const configuration = readKeyConfiguration(bytesOf(file.configuration))
  assert.ok(configuration !== null)
  const gateway = { ...configuration, privateKey: bytesOf(file.privateKey) }

  test('the gateway reads the question', () => {
    const opened = openRequest(crypto, [gateway], bytesOf(file.request.sealed))
    assert.ok(typeof opened !== 'string')
    assert.equal(hex(opened.message), file.request.message)
    assert.equal(hex(opened.encapsulated), file.request.encapsulatedKey)
    // The nonce of the response is all the chance that is in it.
    const nonce = bytesOf(file.response.sealed).subarray(0, 16)
    const sealed = opened.seal({ bytes: () => nonce }, bytesOf(file.response.message))
    assert.equal(hex(sealed), file.response.sealed)
  })

  test('question and answer hold what they say', () => {
    assert.equal(readRequest(bytesOf(file.request.message))?.path, '/v1/observe')
    assert.equal(readResponse(bytesOf(file.response.message))?.status, 200)
    assert.equal(bytesOf(file.request.message).length % 384, 0)
    assert.equal(bytesOf(file.response.message).length % 3_744, 0)
  })

  test('a new question for the same key opens', () => {
    const random = { bytes: (length: number) => new Uint8Array(length).fill(5) }
    const sealed = sealRequest({ crypto, random }, configuration, utf8('question'))
    assert.ok(sealed !== null)
    const opened = openRequest(crypto, [gateway], sealed.bytes)
    assert.ok(typeof opened !== 'string')
    assert.deepEqual(sealed.open(opened.seal(random, utf8('answer'))), utf8('answer'))
  })

  each(
    'a key configuration',
    file.configurations,
    (one) => readKeyConfiguration(bytesOf(one.hex)) !== null,
  )
  for (const { name, hex: digits, problem } of file.requests)
    test(`a request ${name}: ${problem ?? 'opened'}`, () => {
      const opened = openRequest(crypto, [gateway], bytesOf(digits))
      const said = { malformed: 'sealed-malformed', 'key-unknown': 'ohttp-key' } as const
      assert.equal(typeof opened === 'string' ? said[opened] : null, problem)
    })
  each('a message', file.messages, (one) => readRequest(bytesOf(one.hex)) !== null)
})
