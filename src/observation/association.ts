// One TLSA record as data and as text (RFC 6698 §2): what an owner says about the keys of a service.

import { fromHex, hex } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { AssociationText } from './observation.ts'

/** 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE (RFC 7218). */
export type Usage = 0 | 1 | 2 | 3
/** 0 the whole certificate, 1 its SubjectPublicKeyInfo. */
export type Selector = 0 | 1
/** 0 the selected bytes themselves, 1 their SHA-256, 2 their SHA-512. */
export type Matching = 0 | 1 | 2

/** A TLSA record that is well formed: hashes have their length, full data is bounded. */
export interface Association {
  readonly usage: Usage
  readonly selector: Selector
  readonly matching: Matching
  readonly data: Uint8Array
}

/** The four fields as they stand on the wire or in a text, before anything is known about them. */
export interface RawAssociation {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Uint8Array
}

const hashOctets = { 1: 32, 2: 64 } as const
const numbersMax = { usage: 3, selector: 1, matching: 2 } as const

/** The association that wire data is, or why it is none: data from DNS is the world's doing and never throws. */
export function readAssociation(raw: RawAssociation): Association | string {
  const { usage, selector, matching, data } = raw
  if (!isWithin(usage, numbersMax.usage)) return `usage ${usage} is not 0, 1, 2 or 3`
  if (!isWithin(selector, numbersMax.selector)) return `selector ${selector} is not 0 or 1`
  if (!isWithin(matching, numbersMax.matching)) return `matching type ${matching} is not 0, 1 or 2`
  if (data.length === 0) return 'the data is empty'
  if (matching === 0 && data.length > limits.tlsaDataBytesMax)
    return `the data has ${data.length} bytes, at most ${limits.tlsaDataBytesMax} are taken; publish a hash (matching type 1)`
  if (matching !== 0 && data.length !== hashOctets[matching as 1 | 2])
    return `a hash of matching type ${matching} has ${hashOctets[matching as 1 | 2]} bytes, not ${data.length}`
  return {
    usage: usage as Usage,
    selector: selector as Selector,
    matching: matching as Matching,
    data,
  }
}

/**
 * The association written as `usage selector matching-type hex`; digits of either case, and white space between
 * the digits, as zone files have it.
 * @throws Failure association-malformed with what is wrong and where
 */
export function parseAssociation(text: string): Association {
  const refuse = (why: string): never => {
    throw new Failure('association-malformed', { text, why })
  }
  if (text.length > textCharsMax)
    return refuse(`it has ${text.length} characters, at most ${textCharsMax} are taken`)
  const [usage = '', selector = '', matching = '', ...digits] = text.trim().split(/[ \t]+/)
  const number = (field: string, what: string): number =>
    /^[0-9]{1,3}$/.test(field)
      ? Number(field)
      : refuse(field === '' ? `the ${what} is missing` : `the ${what} is not a number`)
  const numbers = {
    usage: number(usage, 'usage (first field)'),
    selector: number(selector, 'selector (second field)'),
    matching: number(matching, 'matching type (third field)'),
  }
  const data =
    fromHex(digits.join('')) ?? refuse('the data (fourth field) is not pairs of hexadecimal digits')
  const association = readAssociation({ ...numbers, data })
  return typeof association === 'string' ? refuse(association) : association
}

/** Twice the data's digits leave room for any white space that a person would type. */
const textCharsMax = 4 * limits.tlsaDataBytesMax

/** The canonical text: single spaces, lower-case digits. */
export function formatAssociation(association: RawAssociation): AssociationText {
  const { usage, selector, matching, data } = association
  return `${usage} ${selector} ${matching} ${hex(data)}`
}

/** True when `text` is exactly the canonical text of some association: for values from the network. */
export function isCanonicalAssociation(text: string): boolean {
  try {
    return formatAssociation(parseAssociation(text)) === text
  } catch {
    return false
  }
}

/**
 * True for `2 1 0 00`, by which an owner says that no authority of an ancestor is meant for this name (protocol §1).
 * One zero octet is no key, so that clients of RFC 6698 find it unusable.
 */
export function isNoAuthorityMarker(association: Association): boolean {
  return formatAssociation(association) === '2 1 0 00'
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}
