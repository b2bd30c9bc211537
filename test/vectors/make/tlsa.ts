// Vectors of chains and TLSA records: which record authenticates which chain, and why not (TLSA; RFC 6698, RFC 7671).

import * as pkijs from 'pkijs'
import { hex } from '../../../src/base/bytes.ts'
import { pemOf } from '../../../src/base/pem.ts'
import {
  distinguishedName,
  extensions,
  keyIdOf,
  signCertificate,
} from '../../../src/identity/certificate.ts'
import { parseServerName } from '../../../src/identity/names.ts'
import type { SigningKey } from '../../../src/runtime/runtime.ts'
import { createStage, day, now, type Stage, type VectorFile } from './stage.ts'

/** A certificate, its key, and what may be under it. */
interface Made {
  readonly der: Uint8Array
  readonly key: SigningKey
  readonly subjectDer: Uint8Array
}

/** One owner's root, intermediate and server, and another root. */
export function tlsaVectors(): VectorFile {
  const stage = createStage(9)
  const root = authority(stage, 'Root', null)
  const middle = authority(stage, 'Intermediate', root)
  const leaf = server(stage, middle, {})
  const stranger = authority(stage, 'Stranger', null)
  const chains = {
    whole: [leaf, middle, root],
    withoutRoot: [leaf, middle],
    alone: [leaf],
    strange: [server(stage, stranger, {}), stranger],
    expired: [server(stage, middle, { days: -1 }), middle, root],
    mail: [server(stage, middle, { purpose: 'emailProtection' }), middle, root],
    reordered: [leaf, root, middle],
  }
  const data = recordsOf(stage, { root, middle, leaf })
  return {
    name: 'tlsa',
    content: {
      about:
        'Chains as servers send them, and the records of an owner. `matched` is the record that authenticates the chain (usage 3 before the others), or null; then `misses` says why each record does not, in their order.',
      at: now,
      chains: Object.fromEntries(
        Object.entries(chains).map(([name, chain]) => [
          name,
          chain.map(({ der }) => pemOf('CERTIFICATE', der)),
        ]),
      ),
      cases: cases(data).map((one) => ({
        chain: 'whole',
        names: ['www.example.test'],
        at: now,
        ...one,
      })),
    },
  }
}

type Records = ReturnType<typeof recordsOf>

function recordsOf(
  { needs }: Stage,
  { root, middle, leaf }: { readonly root: Made; readonly middle: Made; readonly leaf: Made },
) {
  const { crypto } = needs
  const spkiOf = ({ key }: Made): Uint8Array => key.publicKey.spki
  const hash = (bytes: Uint8Array): string => hex(crypto.digest('sha256', bytes))
  const long = (bytes: Uint8Array): string => hex(crypto.digest('sha512', bytes))
  return {
    rootKey: `2 1 1 ${hash(spkiOf(root))}`,
    rootKeyLong: `2 1 2 ${long(spkiOf(root))}`,
    rootKeyLongWrong: `2 1 2 ${'ab'.repeat(64)}`,
    rootKeyWhole: `2 1 0 ${hex(spkiOf(root))}`,
    rootCertificate: `2 0 1 ${hash(root.der)}`,
    rootCertificateWhole: `2 0 0 ${hex(root.der)}`,
    middleKey: `2 1 1 ${hash(spkiOf(middle))}`,
    leafKey: `3 1 1 ${hash(spkiOf(leaf))}`,
    leafCertificate: `3 0 1 ${hash(leaf.der)}`,
    leafAsAuthority: `2 1 1 ${hash(spkiOf(leaf))}`,
    pkixRootKey: `0 1 1 ${hash(spkiOf(root))}`,
    pkixLeafKey: `1 1 1 ${hash(spkiOf(leaf))}`,
    other: `2 1 1 ${'00'.repeat(32)}`,
    otherServer: `3 1 1 ${'00'.repeat(32)}`,
    noPolicy: '2 1 0 00',
  }
}

function cases(of: Records) {
  return [...matches(of), ...misses(of)]
}

function matches(of: Records) {
  const match = (name: string, clause: string, records: readonly string[]) => ({
    name,
    clause,
    records,
    matched: records[0] ?? null,
  })
  return [
    match('the key of the root', 'TLSA-3', [of.rootKey]),
    match('its SHA-512', 'TLSA-3', [of.rootKeyLong]),
    match('the certificate of the root', 'TLSA-3', [of.rootCertificate]),
    match('the key of the intermediate', 'TLSA-3', [of.middleKey]),
    {
      ...match('an intermediate, whose root was not sent', 'TLSA-3', [of.middleKey]),
      chain: 'withoutRoot',
    },
    { ...match('a chain in another order', 'TLSA-3', [of.rootKey]), chain: 'reordered' },
    match('the key of the server', 'TLSA-2', [of.leafKey]),
    match('the certificate of the server', 'TLSA-2', [of.leafCertificate]),
    {
      ...match('the server, of which nothing else was sent', 'TLSA-2', [of.leafKey]),
      chain: 'alone',
    },
    { ...match('the server, under another name', 'TLSA-2', [of.leafKey]), names: ['other.test'] },
    {
      ...match('the server, whose certificate has expired', 'TLSA-2', [of.leafKey]),
      at: now + 365 * day,
    },
    {
      ...match('a key that was not sent, in the record itself', 'TLSA-5', [of.rootKeyWhole]),
      chain: 'withoutRoot',
    },
    {
      ...match('a certificate that was not sent, in the record itself', 'TLSA-5', [
        of.rootCertificateWhole,
      ]),
      chain: 'withoutRoot',
    },
    { ...match('one of three', 'TLSA-1', [of.rootKey, of.other, of.otherServer]) },
    {
      ...match('one behind two others', 'TLSA-1', [of.rootKey]),
      records: [of.other, of.otherServer, of.rootKey],
    },
    {
      ...match('a server before an authority', 'TLSA-2', [of.leafKey]),
      records: [of.rootKey, of.leafKey],
    },
    {
      ...match('the base domain of the records', 'TLSA-4', [of.rootKey]),
      names: ['other.test', 'www.example.test'],
    },
    { ...match('usage 0, where it is read as 2', 'TLSA-7', [of.pkixRootKey]), pkixAs: 'dane' },
    { ...match('usage 1, where it is read as 3', 'TLSA-7', [of.pkixLeafKey]), pkixAs: 'dane' },
    {
      ...match('full data beside a stronger digest', 'TLSA-6', [of.rootKeyWhole]),
      records: [of.rootKeyLongWrong, of.rootKeyWhole],
    },
  ]
}

function misses(of: Records) {
  const miss = (name: string, clause: string, told: readonly (readonly [string, string])[]) => ({
    name,
    clause,
    records: told.map(([record]) => record),
    matched: null,
    misses: told.map(([, why]) => why),
  })
  return [
    miss('no records', 'TLSA-1', []),
    miss('another key', 'TLSA-3', [[of.other, 'anchor-not-sent']]),
    miss('another server', 'TLSA-2', [[of.otherServer, 'other-key']]),
    {
      ...miss('a root that was not sent', 'TLSA-3', [[of.rootKey, 'anchor-not-sent']]),
      chain: 'withoutRoot',
    },
    {
      ...miss('a chain of somebody else', 'TLSA-3', [[of.rootKey, 'anchor-not-sent']]),
      chain: 'strange',
    },
    miss('the server named as its own authority', 'TLSA-3', [
      [of.leafAsAuthority, 'anchor-is-server'],
    ]),
    { ...miss('another name', 'TLSA-4', [[of.rootKey, 'wrong-name']]), names: ['other.test'] },
    {
      ...miss('a certificate that has expired', 'TLSA-9', [[of.rootKey, 'expired']]),
      chain: 'expired',
    },
    {
      ...miss('a time before all certificates', 'TLSA-9', [[of.rootKey, 'not-yet-valid']]),
      at: now - 365 * day,
    },
    {
      ...miss('a certificate for another purpose', 'TLSA-9', [[of.rootKey, 'wrong-purpose']]),
      chain: 'mail',
    },
    miss('usage 0', 'TLSA-7', [[of.pkixRootKey, 'pkix-unusable']]),
    miss('usage 1', 'TLSA-7', [[of.pkixLeafKey, 'pkix-unusable']]),
    miss('no policy', 'TLSA-8', [[of.noPolicy, 'no-authority']]),
    miss('a weaker digest beside a stronger one that does not match', 'TLSA-6', [
      [of.rootKey, 'weaker-digest'],
      [of.rootKeyLongWrong, 'anchor-not-sent'],
    ]),
  ]
}

function authority({ needs }: Stage, name: string, signer: Made | null): Made {
  const { key } = needs.crypto.generateKey('ES256')
  const subjectDer = distinguishedName(name)
  const constraints = new pkijs.BasicConstraints({ cA: true })
  const der = signCertificate(
    {
      serial: needs.random.bytes(16).with(0, 0x41),
      issuerDer: signer?.subjectDer ?? subjectDer,
      subjectDer,
      notBefore: now - day,
      notAfter: now + 3_650 * day,
      publicKey: key.publicKey,
      extensions: [
        new pkijs.Extension({
          extnID: '2.5.29.19',
          critical: true,
          extnValue: constraints.toSchema().toBER(),
        }),
        extensions.authorityKeyUsage(),
        extensions.subjectKeyId(keyIdOf(needs.crypto, key.publicKey.spki)),
      ],
    },
    signer?.key ?? key,
  )
  return { der, key, subjectDer }
}

function server(
  { needs }: Stage,
  signer: Made,
  options: { readonly days?: number; readonly purpose?: 'emailProtection' },
): Made {
  const { key } = needs.crypto.generateKey('ES256')
  const subjectDer = distinguishedName(null)
  const purpose =
    options.purpose === undefined
      ? extensions.serverAuth()
      : new pkijs.Extension({
          extnID: '2.5.29.37',
          extnValue: new pkijs.ExtKeyUsage({ keyPurposes: ['1.3.6.1.5.5.7.3.4'] })
            .toSchema()
            .toBER(),
        })
  const der = signCertificate(
    {
      serial: needs.random.bytes(16).with(0, 0x41),
      issuerDer: signer.subjectDer,
      subjectDer,
      notBefore: now - 3 * day,
      notAfter: now + (options.days ?? 90) * day,
      publicKey: key.publicKey,
      extensions: [
        extensions.serverKeyUsage(),
        purpose,
        extensions.subjectAltName([parseServerName('www.example.test')]),
      ],
    },
    signer.key,
  )
  return { der, key, subjectDer }
}
