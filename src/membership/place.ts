// Where an address is, as far as it tells: networks that draws treat as one place, prefixes that one entity has (protocol §9).

import ipaddr from 'ipaddr.js'
import type { Parameters } from './parameters.ts'

/**
 * The place of `address` (canonical text) for draws, such as `198.51.0.0/16`. A draw that takes places instead of
 * mirrors gives the owner of many mirrors in one place the weight of one.
 */
export function networkOf(address: string, parameters: Parameters): string {
  const { networkBitsV4, networkBitsV6 } = parameters.sybil
  return leading(address, { v4: networkBitsV4, v6: networkBitsV6 })
}

/** The part of `address` (canonical text) that belongs to one entity, such as `198.51.100.0/24`. */
export function prefixOf(address: string, parameters: Parameters): string {
  const { prefixBitsV4, prefixBitsV6 } = parameters.sybil
  return leading(address, { v4: prefixBitsV4, v6: prefixBitsV6 })
}

function leading(address: string, bits: { readonly v4: number; readonly v6: number }): string {
  const octets = octetsOf(address)
  const length = octets.length === 4 ? bits.v4 : bits.v6
  const kept = octets.map((octet, i) => {
    const own = Math.min(8, Math.max(0, length - 8 * i))
    return octet & (0xff << (8 - own)) & 0xff
  })
  const text = kept.length === 4 ? kept.join('.') : ipaddr.fromByteArray(kept).toString()
  return `${text}/${length}`
}

/** IPv4 in its mapped form is the same place as in its own. Plain IPv4, of which lists are full, is read at once. */
function octetsOf(address: string): readonly number[] {
  return address.includes(':')
    ? ipaddr.process(address).toByteArray()
    : address.split('.').map(Number)
}
