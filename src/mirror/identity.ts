// A mirror's own identity: a CA for its server certificate and nothing else, and short-lived answer keys (R86, R87).

import { base64, base64url, utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { authorityOf, createAuthority, issueServer, type Authority } from '../identity/issue.ts'
import { mirrorIdOf } from '../observation/fingerprint.ts'
import { ed25519Raw, signDescriptor, type Descriptor } from '../protocol/descriptor.ts'
import { createGatewayKey, writeKeyConfiguration, type GatewayKey } from '../protocol/ohttp.ts'
import { protocolVersion } from '../protocol/routes.ts'
import type { Endpoint, Runtime, SigningKey } from '../runtime/runtime.ts'

/** What a mirror shows and signs with at one time. */
export interface MirrorIdentity {
  readonly id: string
  readonly keyPem: string
  /** Server certificate, then CA. */
  readonly chainPem: string
  readonly answerKey: SigningKey
  readonly answerKeyId: string
  /** Opens the questions that relays bring while this identity's descriptor is valid. */
  readonly gatewayKey: GatewayKey
  /** Until when the descriptor may be believed, ms since 1970 UTC. */
  readonly expires: number
  /** JWS of typ `smn-descriptor+jws`. */
  readonly descriptor: string
  /** When a new identity must be made, ms since 1970 UTC. */
  readonly renewAt: number
}

/** What the operator says of the mirror. */
export interface MirrorDescription {
  readonly addresses: readonly Endpoint[]
  readonly domain: string | null
  readonly region: string | null
  readonly contact: readonly string[]
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto'>

/** A new CA for a mirror; its key is the mirror's identity for as long as it lives. */
export function createMirrorAuthority(needs: Needs): Authority {
  return createAuthority(needs, { name: 'Sightline mirror' })
}

/** The CA of a mirror from its two PEM texts. @throws Failure key-malformed, certificate-malformed */
export function readMirrorAuthority(
  needs: Needs,
  pem: { readonly certificateDer: Uint8Array; readonly keyPem: string },
): Authority {
  const certificate = needs.crypto.readCertificate(pem.certificateDer)
  return authorityOf(needs.crypto, {
    certificate,
    key: needs.crypto.loadKey(pem.keyPem),
    keyPem: pem.keyPem,
  })
}

/** Seven days of identity under `authority`: a new server certificate, a new answer key, a new descriptor. */
export function makeIdentity(
  needs: Needs,
  authority: Authority,
  description: MirrorDescription,
): MirrorIdentity {
  const { clock, crypto } = needs
  const now = clock.now()
  const server = issueServer(needs, authority, {
    names: description.addresses.map((one) => one.address),
  })
  const { key: answerKey } = crypto.generateKey('Ed25519')
  const x = base64url(ed25519Raw(answerKey.publicKey.spki))
  const answerKeyId = thumbprint(needs, x)
  const gatewayKey = createGatewayKey(needs)
  const id = mirrorIdOf(crypto, authority.certificate.spki)
  const exp = now + limits.descriptorValidMs
  const descriptor: Descriptor = {
    v: 1,
    id,
    seq: now,
    iat: now,
    exp,
    addresses: [...description.addresses],
    domain: description.domain,
    region: description.region,
    answerKeys: [{ keyId: answerKeyId, alg: 'EdDSA', x, exp }],
    ohttp: base64(writeKeyConfiguration(gatewayKey)),
    protocol: [protocolVersion],
    capabilities: ['observe', 'list', 'relay'],
    contact: [...description.contact],
    software: 'sightline',
  }
  return {
    id,
    keyPem: server.keyPem,
    chainPem: server.chainPem,
    answerKey,
    answerKeyId,
    gatewayKey,
    expires: exp,
    descriptor: signDescriptor(
      server.key,
      [server.certificate.der, authority.certificate.der],
      descriptor,
    ),
    renewAt: now + limits.descriptorValidMs / 2,
  }
}

/** RFC 7638 thumbprint of an Ed25519 key: the members of RFC 8037 §2 in lexical order. */
function thumbprint(needs: Needs, x: string): string {
  return base64url(needs.crypto.digest('sha256', utf8(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)))
}
