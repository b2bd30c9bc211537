import assert from 'node:assert/strict'
import test from 'node:test'
import * as dnsPacket from 'dns-packet'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { orAborted } from '../runtime/deadline.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { NetworkError, type Connection, type Network } from '../runtime/runtime.ts'
import { number, signReply } from '../../test/support/tsig.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { publishRecord, type Publication, type Published } from './dns-update.ts'

const secret = new Uint8Array(32).fill(7)
const old = `2 1 1 ${'ab'.repeat(32)}`
const mine = `2 1 1 ${'cd'.repeat(32)}`
const owner = '_8443._tcp.a.test.'
const now = Date.UTC(2026, 5, 15, 12)

/** What the server is asked. */
interface Asked {
  readonly isUpdate: boolean
  readonly name: string
  readonly type: string
}

/** What the server does about it. */
type Answer = (asked: Asked) => Reply | 'closes' | 'is silent'

interface Reply {
  readonly rcode?: number
  readonly answers?: readonly dnsPacket.Answer[]
  readonly authorities?: readonly dnsPacket.Answer[]
  /** Changes the finished message, its signature too. */
  readonly spoil?: (message: Buffer) => Uint8Array
}

const soa = (name: string): dnsPacket.Answer => ({
  type: 'SOA',
  name,
  data: {
    mname: 'ns.test',
    rname: 'h.test',
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 1,
  },
})
const tlsa = (text: string): dnsPacket.Answer => ({
  type: 'TLSA' as 'A',
  name: owner.slice(0, -1),
  data: {
    usage: 2,
    selector: 1,
    matchingType: 1,
    certificate: Buffer.from(text.slice(6), 'hex'),
  } as never,
})

/** A server for `a.test` that takes every update of one record. */
const usual: Answer = ({ isUpdate, type }) => {
  if (isUpdate) return {}
  return type === 'SOA'
    ? { authorities: [soa('a.test')], rcode: 3 }
    : { answers: [tlsa(old), tlsa(mine)] }
}

const replyTo = (raw: Uint8Array, answer: Answer): Uint8Array | 'closes' | 'is silent' => {
  const requestMac = raw.subarray(-38, -6)
  // Questions alone: the library does not know deletions, whose data is empty.
  const start = Buffer.from(raw)
  start.fill(0, 6, 12)
  start[2] = 0
  const { questions = [], id = 0 } = dnsPacket.decode(start)
  const [{ name, type } = assert.fail('nothing was asked')] = questions
  const reply = answer({ isUpdate: raw[2] === 5 << 3, name, type })
  if (typeof reply === 'string') return reply
  const message = Buffer.from(
    dnsPacket.encode({
      type: 'response',
      id,
      questions,
      answers: [...(reply.answers ?? [])],
      authorities: [...(reply.authorities ?? [])],
    }),
  )
  message.writeUInt16BE(0x8000 | (reply.rcode ?? 0), 2)
  const keyName = Buffer.from('\x01k\x00', 'latin1')
  const signed = signReply(message, { secret, keyName, seconds: now / 1000, requestMac })
  return reply.spoil?.(signed) ?? signed
}

/** A network with one name server, and what it was asked. */
function networkWith(answer: Answer, chunkOctets = 65_537) {
  const requests: Uint8Array[] = []
  let open = 0
  const connect: Network['connect'] = async (to) => {
    let inbox = Buffer.alloc(0)
    let ended = false
    open++
    const connection: Pick<Connection, 'remote' | 'read' | 'write' | 'close'> = {
      remote: to,
      write: async (data) => {
        const raw = data.subarray(2)
        assert.equal(Buffer.from(data).readUInt16BE(0), raw.length)
        requests.push(raw)
        const reply = replyTo(raw, answer)
        if (reply === 'closes') ended = true
        else if (reply !== 'is silent')
          inbox = Buffer.concat([inbox, number(reply.length, 2), reply])
      },
      read: async (signal) => {
        if (inbox.length === 0 && !ended)
          return await orAborted(new Promise<never>(() => {}), signal)
        if (inbox.length === 0) return null
        const chunk = inbox.subarray(0, chunkOctets)
        inbox = inbox.subarray(chunkOctets)
        return chunk
      },
      close: () => void open--,
    }
    return connection as Connection
  }
  return { connect, requests, open: () => open }
}

interface Options {
  readonly chunkOctets?: number
  readonly connect?: Network['connect']
  readonly publication?: Partial<Publication>
}

async function publish(
  answer: Answer,
  options: Options = {},
): Promise<Published & { requests: Uint8Array[] }> {
  const clock = createVirtualClock({ now })
  const { connect, requests, open } = networkWith(answer, options.chunkOctets)
  const network = { connect: options.connect ?? connect } as Network
  const random = { bytes: (length: number) => new Uint8Array(length).fill(0x42) }
  const publication: Publication = {
    server: { address: '192.0.2.53', port: 53 },
    key: { name: 'k.', algorithm: 'sha256', secret },
    record: { owner, ttl: 300, association: mine },
    keepOthers: false,
    signal: new AbortController().signal,
    ...options.publication,
  }
  const job = publishRecord({ clock, random, crypto: nodeCrypto, network }, publication)
  try {
    return { ...(await clock.runUntil(job)), requests }
  } finally {
    assert.equal(open(), 0, 'the connection is closed')
    assert.equal(clock.armed, 0, 'no timer is left')
  }
}

const fails = (answer: Answer, message: RegExp, options: Options = {}): Promise<void> =>
  assert.rejects(publish(answer, options), (error) => {
    assert.ok(Failure.is(error) && error.code === 'dns-update-failed', String(error))
    assert.match(`${error.message} | ${error.hint}`, message)
    assert.match(error.message, /^update DNS at "192\.0\.2\.53:53": /)
    return true
  })

/** The update section of the update among `requests`, in hexadecimal. */
const updateOf = (requests: readonly Uint8Array[]): string => {
  const raw = requests.find((request) => request[2] === 5 << 3) ?? assert.fail('no update was sent')
  const zone = '01610474657374000006' + '0001'
  const text = Buffer.from(raw).toString('hex')
  return text.slice(24 + zone.length, -2 * (3 + 10 + 13 + 48))
}
const ownerHex = Buffer.from('\x05_8443\x04_tcp\x01a\x04test\x00', 'latin1').toString('hex')
const deletion = `${ownerHex}003400ff000000000000`
const addition = `${ownerHex}003400010000012c0023020101${'cd'.repeat(32)}`

test('all records of the name are replaced in one update, and asked for afterwards', async () => {
  const { zone, associations, requests } = await publish(usual)
  assert.equal(zone, 'a.test.')
  assert.deepEqual(associations, [old, mine])
  assert.equal(updateOf(requests), deletion + addition)
  assert.deepEqual(
    requests.map((request) => (request[2] ?? 0) >> 3),
    [0, 5, 0],
  )
})

test('a new record stands beside the old ones when they are to be kept', async () => {
  const { requests } = await publish(usual, { publication: { keepOthers: true } })
  assert.equal(updateOf(requests), addition)
})

test('answers may arrive byte by byte', async () => {
  assert.equal((await publish(usual, { chunkOctets: 1 })).zone, 'a.test.')
})

test('the zone is looked for from the name upwards', async () => {
  const asked: string[] = []
  const { zone } = await publish((request) => {
    if (request.isUpdate || request.type !== 'SOA') return usual(request)
    asked.push(request.name)
    return request.name === 'a.test' ? { answers: [soa('a.test')] } : { rcode: 5 }
  })
  assert.equal(zone, 'a.test.')
  assert.deepEqual(asked, ['_8443._tcp.a.test', '_tcp.a.test', 'a.test'])
})

const toSoa =
  (reply: Reply): Answer =>
  (request) =>
    request.type === 'SOA' && !request.isUpdate ? reply : usual(request)
const toUpdate =
  (reply: Reply): Answer =>
  (request) =>
    request.isUpdate ? reply : usual(request)

test('a zone that the server does not have is told', async () => {
  await fails(
    toSoa({ rcode: 5 }),
    /serves no zone above _8443\._tcp\.a\.test\. \(it answered REFUSED\) \| name the primary/,
  )
  await fails(toSoa({ authorities: [soa('b.test')] }), /serves no zone above/)
  const ns = { type: 'NS', name: 'a.test', data: 'ns.elsewhere.test' } as const
  await fails(toSoa({ authorities: [ns] }), /has handed a\.test\. to other servers/)
  const alias = { type: 'CNAME', name: owner.slice(0, -1), data: 'x.test' } as const
  await fails(toSoa({ answers: [alias], authorities: [soa('test')] }), /is an alias \(CNAME\)/)
})

for (const [rcode, pattern] of [
  [1, /FORMERR\) \| the server cannot read updates/],
  [2, /SERVFAIL\) \| can the server write its zone/],
  [4, /NOTIMP\) \| the server does not take dynamic updates/],
  [5, /REFUSED\) \| allow the key in the zone's update-policy/],
  [8, /NXRRSET\)/],
  [9, /NOTAUTH\) \| name the primary server/],
  [10, /NOTZONE\)/],
  [11, /RCODE11\) \| null/],
] as const)
  test(`the response code ${rcode} to an update is told with what to do`, () =>
    fails(
      toUpdate({ rcode }),
      new RegExp(`did not update the zone a\\.test\\. \\(${pattern.source}`),
    ))

test('an update that was accepted and ignored is found out', () =>
  fails(
    (request) => (request.type === 'TLSA' ? { answers: [tlsa(old)] } : usual(request)),
    /does not hold the record/,
  ))

test('nothing but the signed answer to our own message is taken', async () => {
  const spoiled = (spoil: NonNullable<Reply['spoil']>, message: RegExp) =>
    fails(toUpdate({ spoil }), message)
  const bit = (at: number) => (message: Buffer) => {
    message[at] = (message[at] ?? 0) ^ 1
    return message
  }
  await spoiled(bit(0), /not an answer to our message/)
  await spoiled(
    bit(3),
    /signature of the answer is wrong \(FORMERR\) \| does the server know the key k\./,
  )
  await spoiled((message) => message.subarray(0, 20), /not an answer to our message/)
  await spoiled(() => new Uint8Array(0), /not an answer to our message/)
  await spoiled((message) => {
    message.writeUInt16BE(0, 10)
    return message.subarray(0, 24)
  }, /the answer is not signed/)
})

test('a server that closes, keeps silent, or is not there is told', async () => {
  await fails(() => 'closes', /closed the connection without an answer \| is it a name server/)
  await fails(() => 'is silent', new RegExp(`no answer within ${limits.dnsUpdateTimeoutMs} ms`))
  const connect: Network['connect'] = () =>
    Promise.reject(new NetworkError('refused', 'refused it'))
  await fails(usual, /refused it \| is it a name server that listens on TCP there/, { connect })
})

test('it stops when it is told to', async () => {
  const stop = new AbortController()
  const reason = new Error('enough')
  const answer: Answer = () => {
    stop.abort(reason)
    return 'is silent'
  }
  await assert.rejects(publish(answer, { publication: { signal: stop.signal } }), reason)
})
