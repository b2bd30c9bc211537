// The closed, documented list of reasons that a verdict gives. Codes are API: they are never reworded.

/** Every reason code with what it means; the text of a verdict adds the values. */
export const reasonMeanings = {
  // Why it is corroborated
  'ca-authorised':
    'The owner names this CA in DNS, as enough vantages see it, and the server presented a chain under it.',
  'key-authorised': 'The owner names this very key in DNS, as enough vantages see it.',
  'same-key':
    'The owner names no key; enough vantages were shown the same key at addresses that they found themselves.',
  'same-key-same-address':
    'Enough vantages were shown the same key at the very address that was given here, and that address is known elsewhere.',
  'same-issuer': 'Enough vantages were shown certificates of the same issuing CA for this name.',
  'addresses-vary':
    'Vantages were given other addresses, as content networks do; the key proves the address.',
  'other-key-same-authority':
    'At the same address vantages were shown another key of an authorised CA: several servers behind one address, or a stolen CA key.',
  'next-key-announced':
    'The owner names further keys beside the one in use: an announced roll-over or several CAs.',

  // Why it is contradicted
  'not-authorised':
    'Enough vantages see which keys the owner names, and the server showed none of them.',
  'other-key': 'The owner names no key; enough vantages were shown another key than this client.',
  'vantages-disagree': 'The vantages do not agree with each other, even when asked afresh.',
  'addresses-differ': 'The literal policy wants equal address sets, and they are not equal.',
  'dns-hijack-suspected':
    'The address given here is unknown to all vantages, and they see the same unauthorised key there.',
  'interception-suspected':
    'At the same address the vantages see another key than this client: somebody sits on the path near here.',
  'route-hijack-suspected':
    'At the same address some vantages see the right key and some do not: a route is diverted.',
  'server-side-suspected':
    'Everybody sees the same key that the owner did not name: an attacker in front of the server, or an owner who forgot DNS.',
  'reachable-elsewhere': 'An address that vantages were given shows an authorised key.',

  // Why it is inconclusive
  'too-few-vantages': 'Fewer vantages answered than the policy needs.',
  'too-few-regions': 'The vantages that answered are of fewer regions than the policy demands.',
  'own-handshake-failed':
    'This client could not complete a handshake, so there is nothing to compare.',
  'own-dns-failed': 'The local DNS gave no address.',
  'nobody-reached-it': 'No vantage could complete a handshake with the target.',

  // Why it is unverifiable
  'no-authority': 'The owner names no key in DNS, and this policy compares nothing else.',
  'private-target': 'The address is private: no vantage elsewhere can look at it.',
  'handshake-unsupported': 'The way to TLS behind this scheme is not supported.',

  // Remarks
  'small-network':
    'The network has fewer vantages than the policy wants; the share of agreement was kept.',
  'few-regions': 'The network has vantages in fewer regions than the policy wants.',
  'asked-again': 'The first round was not clear, so more vantages were asked, afresh.',
  'vantage-dissents': 'This vantage saw something else.',
  'vantage-abstains': 'This vantage gave no usable answer; it is not counted.',
  'own-dns-differs': 'The local DNS shows other TLSA records than the vantages see.',
  'split-horizon': 'The local DNS gave a private address while vantages see a public one.',
  'authority-unusable':
    'The owner publishes TLSA records of usages that need public authorities; they are not used.',
  'certificate-not-matching': 'How the chain that was presented misses the record.',
  'certificate-dates': 'The certificate is outside of its dates.',
  'certificate-name': 'The certificate is not for this name.',
} as const

export type ReasonCode = keyof typeof reasonMeanings

/** One reason of a verdict. `vantage` is the id of the vantage that it is about, or null. */
export interface Reason {
  readonly code: ReasonCode
  readonly text: string
  readonly vantage: string | null
}

/** A reason with its text. */
export function reason(code: ReasonCode, text: string, vantage: string | null = null): Reason {
  return { code, text, vantage }
}
