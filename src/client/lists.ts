// Asks one mirror for its list, or parts of it: by address, under its pinned CA, and believes only what it signed itself
// (R29–R31, protocol §3).

import type { z } from 'zod'
import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Verified } from '../observation/observation.ts'
import type { AnswerKey } from '../observation/sign.ts'
import { answerKeysOf, verifyDescriptor } from '../protocol/descriptor.ts'
import {
  bootstrapSeenAnswerSchema,
  digestAnswerSchema,
  listAnswerSchema,
  verifyBootstrapSeen,
  verifyListDigest,
  verifyMirrorList,
  type BootstrapSeen,
  type ListDigest,
  type MirrorList,
} from '../protocol/lists.ts'
import { mirrorPool, peerOf } from '../protocol/peers.ts'
import { paths, type ListEntry } from '../protocol/routes.ts'
import { deadline } from '../runtime/deadline.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** A mirror that has said what its list is, with the keys that its lists are signed with. */
export interface Author {
  readonly mirror: ListEntry
  readonly answerKeys: readonly AnswerKey[]
  readonly digest: Verified<ListDigest>
}

/** Asks for lists. All calls reject with a Failure or NetworkError when the mirror fails, lies about itself or is late. */
export interface ListDesk {
  digest(mirror: ListEntry, signal: AbortSignal): Promise<Author>
  /** The whole list, or the bucket that two hexadecimal digits name. */
  list(author: Author, bucket: string | null, signal: AbortSignal): Promise<Verified<MirrorList>>
  /** The bootstrap files that it has seen. */
  seen(author: Author, signal: AbortSignal): Promise<Verified<BootstrapSeen>>
  close(): void
}

type Needs = Pick<Runtime, 'clock' | 'crypto' | 'network'>

interface Asked<T> {
  readonly path: string
  readonly bytesMax: number
  readonly schema: z.ZodType<T>
}

/** A desk with connections of its own. */
export function createListDesk(needs: Needs): ListDesk {
  const { clock, crypto } = needs
  const pool = mirrorPool(needs)
  const get = async <T>(mirror: ListEntry, asked: Asked<T>, signal: AbortSignal): Promise<T> => {
    const { path, bytesMax, schema } = asked
    const patience = deadline(clock, limits.listTimeoutMs, signal)
    const request = { method: 'GET', path, bytesMax, signal: patience.signal } as const
    const response = await pool.request(peerOf(mirror), request).finally(patience.done)
    const reject = (why: string): never => {
      throw new Failure('mirror-rejected', { mirror: mirror.id, why })
    }
    if (response.status !== 200) return reject(`it answered with status ${response.status}`)
    const parsed = schema.safeParse(parseJson(textOf(response.body)))
    return parsed.success ? parsed.data : reject('its answer is not of the form of the protocol')
  }
  const expected = ({ mirror, answerKeys }: Pick<Author, 'mirror' | 'answerKeys'>) => ({
    id: mirror.id,
    answerKeys,
    now: clock.now(),
  })
  return {
    digest: async (mirror, signal) => {
      const asked = {
        path: paths.listDigest,
        bytesMax: limits.listDigestBytesMax,
        schema: digestAnswerSchema,
      }
      const answer = await get(mirror, asked, signal)
      const descriptor = verifyDescriptor(crypto, answer.descriptor, {
        id: mirror.id,
        now: clock.now(),
      })
      const answerKeys = answerKeysOf(descriptor)
      const author = { mirror, answerKeys }
      return { ...author, digest: verifyListDigest(crypto, answer.digest, expected(author)) }
    },
    list: async (author, bucket, signal) => {
      const asked = {
        path: bucket === null ? paths.list : `${paths.listBucket}${bucket}`,
        bytesMax: bucket === null ? limits.listBytesMax : limits.listBucketBytesMax,
        schema: listAnswerSchema,
      }
      const { list } = await get(author.mirror, asked, signal)
      return verifyMirrorList(crypto, list, {
        ...expected(author),
        bucket,
        region: null,
        status: null,
      })
    },
    seen: async (author, signal) => {
      const asked = {
        path: paths.bootstrapSeen,
        bytesMax: limits.listDigestBytesMax,
        schema: bootstrapSeenAnswerSchema,
      }
      const { seen } = await get(author.mirror, asked, signal)
      return verifyBootstrapSeen(crypto, seen, expected(author))
    },
    close: () => pool.close(),
  }
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}
