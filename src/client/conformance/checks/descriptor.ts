// What a mirror says of itself (DESC).

import { base64url, utf8 } from '../../../base/bytes.ts'
import { limits } from '../../../base/limits.ts'
import { isStatementSigned } from '../../../observation/jws.ts'
import { mirrorIdOf } from '../../../observation/fingerprint.ts'
import { protocolVersion } from '../../../protocol/routes.ts'
import type { Certificate } from '../../../runtime/runtime.ts'
import { firstFault, unless, type Check } from '../check.ts'
import { readCertificate, Untried, type Session } from '../session.ts'
import { dateFault } from './transport.ts'

/** In the order of the clauses. */
export const descriptorChecks: readonly Check[] = [
  {
    clause: 'DESC-1',
    demand: 'the descriptor is there to be read',
    run: async ({ session }) => {
      const { status } = await session.wellKnown()
      if (status !== 200) return `it answered ${status}`
      return session.descriptorText().then(
        () => null,
        (error: unknown) => {
          if (error instanceof Untried) return 'its answer holds no descriptor'
          throw error
        },
      )
    },
  },
  {
    clause: 'DESC-2',
    demand: 'the descriptor has its shape',
    run: async ({ session }) => {
      await session.descriptorText()
      return session.descriptor().then(
        ({ statement }) =>
          unless(statement.type === 'smn-descriptor+jws', `it is a ${statement.type}`),
        (error: unknown) => {
          if (error instanceof Untried) return error.message
          throw error
        },
      )
    },
  },
  {
    clause: 'DESC-3',
    demand: 'it carries the chain of the mirror',
    run: async ({ session }) => {
      const { server, authority } = await chainIn(session)
      const { crypto, clock } = session.needs
      if (mirrorIdOf(crypto, authority.spki) !== session.mirror.id)
        return 'its CA is not the one that the id names'
      if (authority.basicConstraints?.ca !== true) return 'its CA certificate is not one of a CA'
      if (!crypto.isSignedBy(server, authority.spki))
        return 'its CA did not sign its first certificate'
      return firstFault([server, authority], (one) => dateFault(one, clock.now()))
    },
  },
  {
    clause: 'DESC-4',
    demand: 'it is signed by the key of the server certificate in it',
    run: async ({ session }) => {
      const { server } = await chainIn(session)
      const { statement } = await session.descriptor()
      const key = { algorithm: 'ES256', spki: server.spki } as const
      const isSigned = isStatementSigned(session.needs.crypto, statement, key)
      return unless(isSigned, 'the signature does not verify')
    },
  },
  {
    clause: 'DESC-5',
    demand: 'it is about this mirror',
    run: async ({ session }) => {
      const { id } = (await session.descriptor()).content
      return unless(id === session.mirror.id, `it is about ${id}`)
    },
  },
  {
    clause: 'DESC-6',
    demand: 'it lives no longer than 7 days',
    run: async ({ session }) => {
      const { iat, exp } = (await session.descriptor()).content
      return unless(exp - iat <= limits.descriptorValidMs, 'it lives for longer')
    },
  },
  {
    clause: 'DESC-7',
    demand: 'it is valid now',
    run: async ({ session }) => {
      const { iat, exp } = (await session.descriptor()).content
      const now = session.needs.clock.now()
      if (iat > now + limits.clockSkewMs) return 'it is dated in the future'
      return unless(exp >= now, 'it has expired')
    },
  },
  {
    clause: 'DESC-8',
    demand: 'it names the address and port that were asked',
    run: async ({ session }) => {
      const { addresses } = (await session.descriptor()).content
      const { ip, port } = session.mirror
      const isNamed = addresses.some((one) => one.address === ip && one.port === port)
      return unless(isNamed, `it names ${addresses.map((one) => one.address).join(', ')}`)
    },
  },
  {
    clause: 'DESC-9',
    demand: 'answer keys are named by their thumbprints',
    run: async ({ session }) => {
      const { answerKeys } = (await session.descriptor()).content
      const { crypto } = session.needs
      return firstFault(answerKeys, ({ keyId, x }) => {
        const members = utf8(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)
        const thumbprint = base64url(crypto.digest('sha256', members))
        return unless(keyId === thumbprint, `${keyId} is the key ${thumbprint}`)
      })
    },
  },
  {
    clause: 'DESC-10',
    demand: 'an answer key is valid now, and none longer than the descriptor',
    run: async ({ session }) => {
      const { answerKeys, exp } = (await session.descriptor()).content
      const now = session.needs.clock.now()
      if (answerKeys.some((key) => key.exp > exp)) return 'a key is valid for longer'
      return unless(
        answerKeys.some((key) => key.exp > now),
        'every key has expired',
      )
    },
  },
  {
    clause: 'DESC-11',
    demand: `version ${protocolVersion} is spoken`,
    run: async ({ session }) => {
      const { protocol } = (await session.descriptor()).content
      return unless(protocol.includes(protocolVersion), `it names ${protocol.join(', ') || 'none'}`)
    },
  },
]

async function chainIn(
  session: Session,
): Promise<{ readonly server: Certificate; readonly authority: Certificate }> {
  const { certificates } = (await session.descriptor()).statement
  const [server, authority] = certificates.map((der) => readCertificate(session.needs, der))
  if (server && authority) return { server, authority }
  throw new Untried('it carries no readable chain')
}
