// How strong a public key is, read from its SubjectPublicKeyInfo (RFC 3279 §2.3, RFC 5480, RFC 8410).

import * as pkijs from 'pkijs'

const rsaId = '1.2.840.113549.1.1.1'
const ecId = '1.2.840.10045.2.1'

/** Curves that are weaker than 128 bits of security, by object identifier. Others that TLS takes are not. */
const weakCurves: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.1': 'P-192',
  '1.3.132.0.33': 'P-224',
  '1.3.132.0.31': 'secp192k1',
  '1.3.132.0.32': 'secp224k1',
}

/** NIST SP 800-131A: below this an RSA key is no longer acceptable. */
const rsaBitsMin = 2048

/** What is weak about the key, such as `RSA with 1024 bits`, or null when nothing is known to be. */
export function weaknessOf(spki: Uint8Array): string | null {
  const key = readKey(spki)
  if (key === null) return null
  const { algorithmId, algorithmParams } = key.algorithm
  if (algorithmId === rsaId) {
    const bits = rsaBits(key)
    return bits !== null && bits < rsaBitsMin ? `RSA with ${bits} bits` : null
  }
  if (algorithmId !== ecId) return null
  const curve = String((algorithmParams as { getValue?: () => string } | undefined)?.getValue?.())
  return Object.hasOwn(weakCurves, curve) ? `the curve ${weakCurves[curve]}` : null
}

function readKey(spki: Uint8Array): pkijs.PublicKeyInfo | null {
  try {
    return pkijs.PublicKeyInfo.fromBER(new Uint8Array(spki))
  } catch {
    return null
  }
}

function rsaBits(key: pkijs.PublicKeyInfo): number | null {
  try {
    const { modulus } = pkijs.RSAPublicKey.fromBER(key.subjectPublicKey.valueBlock.valueHex)
    const digits = modulus.valueBlock.valueHexView
    const first = digits.findIndex((byte) => byte !== 0)
    return first < 0 ? 0 : 8 * (digits.length - first) - Math.clz32(digits[first] ?? 0) + 24
  } catch {
    return null
  }
}
