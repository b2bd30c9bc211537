// The shape of an observation as it comes from a network, with every bound (protocol §5).

import { z } from 'zod'
import { limits } from '../base/limits.ts'
import { isCanonicalAssociation } from './association.ts'
import type { Observation } from './observation.ts'

const name = z.string().max(limits.nameOctetsMax)
const text = z.string().max(512)
const address = z.string().min(2).max(45)
const milliseconds = z.number().finite().min(0).max(86_400_000)
const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const associationText = z
  .string()
  .max(8 + 2 * limits.tlsaDataBytesMax)
  .refine(isCanonicalAssociation, { message: 'not a TLSA record in canonical text' })

const dnsStatus = z.enum([
  'ok',
  'nodata',
  'nxdomain',
  'servfail',
  'refused',
  'timeout',
  'malformed',
  'unreachable',
])

const answer = <T extends z.ZodType<string>>(record: T) => ({
  status: dnsStatus,
  records: z.array(record).max(limits.dnsRecordsMax),
  ttl: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31)
    .nullable(),
  ad: z.boolean(),
  cname: z.array(name).max(limits.cnameStepsMax + 1),
  error: text.nullable(),
})

const handshake = z.object({
  address,
  port: z.number().int().min(1).max(65_535),
  origin: z.enum(['own', 'asked']),
  outcome: z.enum(['completed', 'failed', 'refused-address', 'unsupported']),
  error: z.object({ code: z.string().max(64), text }).nullable(),
  protocol: z.string().max(32).nullable(),
  cipher: z.string().max(64).nullable(),
  group: z.string().max(64).nullable(),
  alpn: z.string().max(64).nullable(),
  chain: z.array(z.object({ certificate: sha256, spki: sha256 })).max(limits.chainCertificatesMax),
  connectMs: milliseconds.nullable(),
  handshakeMs: milliseconds.nullable(),
})

/** A sight without its target, as it is signed. */
export const sightSchema = z.object({
  at: instant,
  dns: z.object({
    a: z.object(answer(address)),
    aaaa: z.object(answer(address)),
    authority: z.object({
      ...answer(associationText),
      origin: z.enum(['service', 'expanded', 'inherited']),
      owner: name,
      base: name,
    }),
  }),
  handshakes: z.array(handshake).max(4 * limits.addressesProbedMax),
  dnsMs: milliseconds,
})

/** Reads what a vantage signed; the bounds are those of `limits`. */
export const observationSchema: z.ZodType<Observation> = z.object({
  v: z.literal(1),
  iss: z.string().length(43),
  target: z.string().max(limits.targetCharsMax),
  nonce: z.string().length(22).nullable(),
  sent: instant,
  exp: instant,
  status: z.enum(['answered', 'busy', 'refused']),
  excuse: z
    .object({
      code: z.string().max(64),
      text,
      retryAfterMs: z.number().int().min(0).max(3_600_000).nullable(),
    })
    .nullable(),
  source: z.enum(['fresh', 'cache']),
  salt: z
    .string()
    .regex(/^[A-Za-z0-9_-]{22}$/)
    .exactOptional(),
  sight: sightSchema.nullable(),
})
