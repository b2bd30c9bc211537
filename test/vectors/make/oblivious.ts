// Vectors of sealed questions and answers, byte by byte (OHTTP).

import { base64, hex, utf8 } from '../../../src/base/bytes.ts'
import { httpDate } from '../../../src/base/http-date.ts'
import { limits } from '../../../src/base/limits.ts'
import { writeRequest, writeResponse } from '../../../src/protocol/binary-http.ts'
import { invariant } from '../../../src/base/invariant.ts'
import {
  createGatewayKey,
  openRequest,
  sealRequest,
  writeKeyConfiguration,
} from '../../../src/protocol/ohttp.ts'
import { accepted, createStage, now, refusedBy, type Stage, type VectorFile } from './stage.ts'

/** One question and its answer, and requests that no gateway takes. */
export function obliviousVectors(): VectorFile {
  const stage = createStage(8)
  const { needs } = stage
  const gateway = createGatewayKey(needs)
  const exchange = exchangeWith(stage, gateway)
  return {
    name: 'oblivious',
    content: {
      about:
        "A key configuration, a question that is sealed for it, and its answer. All bytes are hexadecimal; `privateKey` is the gateway's.",
      privateKey: hex(gateway.privateKey),
      keyId: gateway.keyId,
      configuration: hex(writeKeyConfiguration(gateway)),
      descriptorMember: base64(writeKeyConfiguration(gateway)),
      ...exchange,
      configurations: configurations(hex(writeKeyConfiguration(gateway))),
      requests: requests(exchange.request.sealed),
      messages: messages(),
    },
  }
}

function exchangeWith({ needs }: Stage, gateway: ReturnType<typeof createGatewayKey>) {
  const question = {
    method: 'POST',
    scheme: 'https',
    authority: '192.0.2.7:443',
    path: '/v1/observe',
    fields: [
      ['content-type', 'application/json'],
      ['date', httpDate(now)],
    ],
    content: utf8('{"target":"https://www.example.test","nonce":"BwcHBwcHBwcHBwcHBwcHBw"}'),
  } as const
  const message = writeRequest(question, limits.obliviousRequestBlockBytes)
  const sealed = sealRequest(needs, gateway, message)
  invariant(sealed !== null, 'a key that was just made can be sealed with')
  const opened = openRequest(needs.crypto, [gateway], sealed.bytes)
  invariant(typeof opened !== 'string', 'what was sealed for a key opens with it')
  const answer = writeResponse(
    {
      status: 200,
      fields: [
        ['content-type', 'application/json'],
        ['date', httpDate(now)],
      ],
      content: utf8('{"observation":"a.b.c"}'),
    },
    limits.obliviousResponseBlockBytes,
  )
  return {
    request: {
      ...question,
      content: hex(question.content),
      message: hex(message),
      encapsulatedKey: hex(opened.encapsulated),
      sealed: hex(sealed.bytes),
    },
    response: { message: hex(answer), sealed: hex(opened.seal(needs.random, answer)) },
  }
}

function configurations(whole: string) {
  const key = whole.slice(6, 70)
  const id = whole.slice(0, 2)
  return [
    { name: 'as a gateway makes it', hex: whole, ...accepted },
    {
      name: 'with further algorithms',
      hex: `${id}0020${key}000c000100030001000100020002`,
      ...accepted,
    },
    { name: 'of another KEM', hex: `${id}0010${key}000400010001`, ...refusedBy('OHTTP-1') },
    {
      name: 'with other algorithms alone',
      hex: `${id}0020${key}000400010003`,
      ...refusedBy('OHTTP-1'),
    },
    { name: 'without algorithms', hex: `${id}0020${key}0000`, ...refusedBy('OHTTP-1') },
    { name: 'that is cut', hex: whole.slice(0, -2), ...refusedBy('OHTTP-1') },
    { name: 'with something behind it', hex: `${whole}00`, ...refusedBy('OHTTP-1') },
  ]
}

/** Requests as they reach a gateway, and the problem by which it refuses them. */
function requests(sealed: string) {
  const flipped = (at: number): string => {
    const byte = Number.parseInt(sealed.slice(2 * at, 2 * at + 2), 16) ^ 1
    return sealed.slice(0, 2 * at) + byte.toString(16).padStart(2, '0') + sealed.slice(2 * at + 2)
  }
  const refused = (name: string, bytes: string, problem: string) => ({
    name,
    hex: bytes,
    problem,
    ...refusedBy(problem === 'ohttp-key' ? 'OHTTP-6' : 'OHTTP-9'),
  })
  return [
    { name: 'whole', hex: sealed, problem: null, ...accepted },
    refused('of another key id', flipped(0), 'ohttp-key'),
    refused('of another KEM', flipped(2), 'ohttp-key'),
    refused('of another AEAD', flipped(6), 'ohttp-key'),
    refused('with another encapsulated key', flipped(7), 'ohttp-key'),
    refused('with another ciphertext', flipped(39), 'ohttp-key'),
    refused('that is cut', sealed.slice(0, -2), 'ohttp-key'),
    refused('of 54 bytes', sealed.slice(0, 108), 'sealed-malformed'),
    refused('of nothing', '', 'sealed-malformed'),
  ]
}

/** Binary HTTP requests, as they are inside. */
function messages() {
  const usual = {
    method: 'POST',
    scheme: 'https',
    authority: '192.0.2.7',
    path: '/v1/observe',
    fields: [['content-type', 'application/json']],
    content: utf8('{}'),
  } as const
  const whole = writeRequest(usual)
  const told = (name: string, bytes: string, verdict: object) => ({ name, hex: bytes, ...verdict })
  const padded = `${hex(whole)}${'00'.repeat(20)}`
  return [
    told('of known length', hex(whole), accepted),
    told('with padding', padded, accepted),
    told('with integers that are longer than need be', `4000${hex(whole).slice(2)}`, accepted),
    told('without trailers', hex(whole).slice(0, -2), accepted),
    told('with padding of anything but zeros', `${padded}01`, refusedBy('OHTTP-9')),
    told('of indeterminate length', `02${hex(whole).slice(2)}`, refusedBy('OHTTP-9')),
    told(
      'that is a response',
      hex(writeResponse({ status: 200, fields: [], content: utf8('{}') })),
      refusedBy('OHTTP-9'),
    ),
    told('that is cut', hex(whole).slice(0, -6), refusedBy('OHTTP-9')),
    told('with trailers', `${hex(whole).slice(0, -2)}0401610162`, refusedBy('OHTTP-9')),
  ]
}
