// The mirrors that a mirror knows, and the bootstrap files that it has seen (LIST, SEEN).

import { base64url } from '../../../base/bytes.ts'
import { limits } from '../../../base/limits.ts'
import { bucketOf, listDigest } from '../../../membership/list-digest.ts'
import {
  bootstrapSeenAnswerSchema,
  bootstrapSeenSchema,
  digestAnswerSchema,
  listAnswerSchema,
  listDigestSchema,
  listedOf,
  mirrorListSchema,
  type BootstrapSeen,
  type KnownMirror,
  type ListDigest,
  type MirrorList,
} from '../../../protocol/lists.ts'
import { paths } from '../../../protocol/routes.ts'
import { firstFault, unless, type Check } from '../check.ts'
import type { Reply } from '../http.ts'
import { jsonOf, once, Untried, type Session } from '../session.ts'
import { contentOf, toldFault, toldIn, type Told } from '../signed.ts'

/** The list checks of one trial, which share what they fetch. */
export function listChecks(session: Session): readonly Check[] {
  const lists = createListFacts(session)
  return [...formChecks(session, lists), ...contentChecks(session, lists), seenCheck(session)]
}

/** A list, and the bucket and the narrowed list that were fetched right after it. */
interface ListFacts {
  readonly digestReply: () => Promise<Reply>
  readonly digest: () => Promise<Told<ListDigest>>
  readonly list: () => Promise<Told<MirrorList>>
  /** The bucket of the first mirror in the list, or the first one. */
  readonly bucket: () => Promise<{ readonly name: string; readonly told: Told<MirrorList> }>
  readonly active: () => Promise<Told<MirrorList>>
}

function createListFacts({ line }: Session): ListFacts {
  const fetchList = async (path: string): Promise<Told<MirrorList>> => {
    const reply = await line.ask({ method: 'GET', path }, limits.listBytesMax)
    const answer = listAnswerSchema.safeParse(jsonOf(reply))
    return toldIn(answer.data?.list ?? null, listKind)
  }
  const digestReply = once(() =>
    line.ask({ method: 'GET', path: paths.listDigest }, 2 * limits.listDigestBytesMax),
  )
  const list = once(() => fetchList(paths.list))
  return {
    digestReply,
    digest: once(async () => {
      const answer = digestAnswerSchema.safeParse(jsonOf(await digestReply()))
      return toldIn(answer.data?.digest ?? null, digestKind)
    }),
    list,
    bucket: once(async () => {
      const [one] = (await list()).content?.mirrors ?? []
      const name = bucketOf(one?.id ?? 'AAAA')
        .toString(16)
        .padStart(2, '0')
      return { name, told: await fetchList(`${paths.listBucket}${name}`) }
    }),
    active: once(() => fetchList(`${paths.list}?status=active`)),
  }
}

const listKind = {
  type: 'smn-list+jws',
  schema: mirrorListSchema,
  bytesMax: limits.listBytesMax,
} as const
const digestKind = {
  type: 'smn-list-digest+jws',
  schema: listDigestSchema,
  bytesMax: limits.listDigestBytesMax,
} as const

/** Whether what there is to be told is told, by the one who should. */
function formChecks(session: Session, lists: ListFacts): readonly Check[] {
  return [
    {
      clause: 'LIST-1',
      demand: 'digest, list and buckets are there to be read',
      run: async () => {
        const { status } = await lists.digestReply()
        if (status !== 200) return `${paths.listDigest} answered ${status}`
        const told = [await lists.digest(), await lists.list(), (await lists.bucket()).told]
        return firstFault(told, ({ statement }) =>
          typeof statement === 'string' ? statement : null,
        )
      },
    },
    {
      clause: 'LIST-2',
      demand: 'each is a statement of the mirror',
      run: async () => {
        const told = [await lists.digest(), await lists.list(), (await lists.bucket()).told]
        for (const one of told) {
          if (typeof one.statement === 'string') throw new Untried(one.statement)
          const fault = await toldFault<ListDigest | MirrorList>(session, one)
          if (fault !== null) return `${one.type}: ${fault}`
        }
        return null
      },
    },
    {
      clause: 'LIST-3',
      demand: 'the list is of now',
      run: async () => {
        const { iat } = contentOf(await lists.list())
        return ageFault(session, iat)
      },
    },
    {
      clause: 'LIST-10',
      demand: 'a bucket that there is not is answered with 404',
      run: () => session.refused({ method: 'GET', path: `${paths.listBucket}xyz` }, 'not-found'),
    },
  ]
}

function ageFault({ needs }: Session, iat: number): string | null {
  const age = needs.clock.now() - iat
  return unless(
    age >= -limits.clockSkewMs && age <= limits.listValidMs + limits.clockSkewMs,
    `it is ${Math.round(age / 1_000)} s old`,
  )
}

/** Whether the parts belong together. */
function contentChecks({ needs }: Session, lists: ListFacts): readonly Check[] {
  const whole = async (): Promise<{ list: MirrorList; digest: ListDigest }> => {
    const list = contentOf(await lists.list())
    const digest = contentOf(await lists.digest())
    if (list.iat !== digest.iat) throw new Untried('the list was drawn up anew in between')
    return { list, digest }
  }
  return [
    {
      clause: 'LIST-5',
      demand: 'no mirror is in the list twice',
      run: async () => {
        const { mirrors, iss } = contentOf(await lists.list())
        const ids = mirrors.map(({ id }) => id)
        if (ids.includes(iss)) return 'it lists itself'
        return unless(new Set(ids).size === ids.length, 'one is')
      },
    },
    {
      clause: 'LIST-6',
      demand: 'the digest is that of the list',
      run: async () => {
        const { list, digest } = await whole()
        const own = base64url(listDigest(needs.crypto, list.mirrors.map(listedOf)))
        return unless(own === digest.digest, 'it is that of another one')
      },
    },
    {
      clause: 'LIST-7',
      demand: 'the digest counts the mirrors in the list',
      run: async () => {
        const { list, digest } = await whole()
        const { length } = list.mirrors
        return unless(digest.count === length, `it says ${digest.count} of ${length}`)
      },
    },
    {
      clause: 'LIST-8',
      demand: 'a bucket holds its part of the list',
      run: async () => {
        const { name, told } = await lists.bucket()
        const bucket = contentOf(told)
        const list = contentOf(await lists.list())
        if (bucket.bucket !== name) return `it calls itself ${bucket.bucket ?? 'the whole list'}`
        if (bucket.iat !== list.iat) throw new Untried('the list was drawn up anew in between')
        const part = list.mirrors.filter(({ id }) => bucketOf(id) === Number.parseInt(name, 16))
        return unless(
          areSame(bucket.mirrors, part),
          `bucket ${name} is another one than in the list`,
        )
      },
    },
    {
      clause: 'LIST-9',
      demand: 'a list by state holds the mirrors in that state',
      run: async () => {
        const active = contentOf(await lists.active())
        const list = contentOf(await lists.list())
        if (active.status !== 'active')
          return `it says that it is for ${active.status ?? 'all states'}`
        if (active.iat !== list.iat) throw new Untried('the list was drawn up anew in between')
        const part = list.mirrors.filter(({ status }) => status === 'active')
        return unless(areSame(active.mirrors, part), 'it holds others')
      },
    },
  ]
}

function areSame(one: readonly KnownMirror[], other: readonly KnownMirror[]): boolean {
  const texts = (mirrors: readonly KnownMirror[]): string =>
    mirrors
      .map(({ id, ip, port, region, status }) => [id, ip, port, region, status].join(' '))
      .toSorted()
      .join('\n')
  return texts(one) === texts(other)
}

function seenCheck(session: Session): Check {
  return {
    clause: 'SEEN-1',
    demand: 'the bootstrap files that it has seen are told in a statement of the mirror',
    run: async () => {
      const reply = await session.line.ask(
        { method: 'GET', path: paths.bootstrapSeen },
        2 * limits.listDigestBytesMax,
      )
      const answer = bootstrapSeenAnswerSchema.safeParse(jsonOf(reply))
      const told: Told<BootstrapSeen> = toldIn(answer.data?.seen ?? null, {
        type: 'smn-bootstrap-seen+jws',
        schema: bootstrapSeenSchema,
        bytesMax: limits.listDigestBytesMax,
      })
      return (await toldFault(session, told)) ?? ageFault(session, contentOf(told).iat)
    },
  }
}
