// An organisation's CA as two files in a folder of its own: `ca.key` (PKCS#8 PEM, RFC 5958) and `ca.crt`.

import { equalBytes, textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { fromPem } from '../base/pem.ts'
import type { Certificate, Crypto, Files, Runtime, SigningKey } from '../runtime/runtime.ts'
import { authorityOf, type Authority } from './issue.ts'

/** Where the two files of a CA are. */
export interface AuthorityPaths {
  readonly key: string
  readonly certificate: string
}

/** The paths of the CA kept in the folder `directory`. */
export function authorityPaths(directory: string): AuthorityPaths {
  return { key: `${directory}/ca.key`, certificate: `${directory}/ca.crt` }
}

/**
 * Keeps `authority` in `directory`, which is made where it is missing. Never replaces a CA: its key may be what
 * published records name.
 * @throws Failure file-exists, file-exposed, file-failed
 */
export async function saveAuthority(
  files: Files,
  directory: string,
  authority: Authority,
): Promise<AuthorityPaths> {
  const paths = authorityPaths(directory)
  for (const path of [paths.key, paths.certificate])
    if (await files.exists(path)) throw new Failure('file-exists', { path })
  await files.makeDirectory(directory, 0o700)
  await refuseForeignHands(files, directory)
  await files.write(paths.key, authority.keyPem, { mode: 0o600, exclusive: true })
  await files.write(paths.certificate, authority.certificatePem, { mode: 0o644, exclusive: true })
  return paths
}

/**
 * The CA kept in `directory`.
 * @throws Failure authority-missing, file-missing, file-exposed, file-malformed, file-failed
 */
export async function loadAuthority(
  needs: Pick<Runtime, 'crypto' | 'files'>,
  directory: string,
): Promise<Authority> {
  const { crypto, files } = needs
  const paths = authorityPaths(directory)
  if (!(await files.exists(paths.key))) throw new Failure('authority-missing', { directory })
  await refuseForeignHands(files, directory)
  await refuseForeignEyes(files, paths.key)
  const keyPem = await readText(files, paths.key, 'CA key')
  const key = readKey(crypto, paths.key, keyPem)
  const pem = await readText(files, paths.certificate, 'CA certificate')
  const certificate = readAuthorityCertificate(crypto, paths.certificate, pem)
  if (!equalBytes(certificate.spki, key.publicKey.spki)) {
    const why = 'it is the certificate of another key than the one in ca.key'
    throw new Failure('file-malformed', { path: paths.certificate, why })
  }
  return authorityOf(crypto, { certificate, key, keyPem })
}

/** Whoever may write in the folder may put another CA in its place. */
async function refuseForeignHands(files: Files, directory: string): Promise<void> {
  const mode = await files.mode(directory, 'CA folder')
  if (mode !== null && (mode & 0o022) !== 0)
    throw new Failure('file-exposed', { path: directory, mode, needed: 0o700 })
}

async function refuseForeignEyes(files: Files, path: string): Promise<void> {
  const mode = await files.mode(path, 'CA key')
  if (mode !== null && (mode & 0o077) !== 0)
    throw new Failure('file-exposed', { path, mode, needed: 0o600 })
}

async function readText(files: Files, path: string, what: string): Promise<string> {
  const text = textOf(await files.read(path, what))
  if (text === null) throw new Failure('file-malformed', { path, why: 'it is not text' })
  return text
}

function readKey(crypto: Crypto, path: string, pem: string): SigningKey {
  try {
    return crypto.loadKey(pem)
  } catch (cause) {
    throw inFile(path, cause)
  }
}

function readAuthorityCertificate(crypto: Crypto, path: string, pem: string): Certificate {
  const [der, ...more] = fromPem('CERTIFICATE', pem) ?? []
  if (der === undefined || more.length > 0) {
    const why = 'it does not hold exactly one PEM certificate'
    throw new Failure('file-malformed', { path, why })
  }
  const certificate = readCertificate(crypto, path, der)
  const { basicConstraints, keyUsage } = certificate
  if (basicConstraints?.ca !== true || keyUsage?.includes('keyCertSign') === false) {
    const why = 'the certificate is not that of a CA that may sign certificates'
    throw new Failure('file-malformed', { path, why })
  }
  return certificate
}

function readCertificate(crypto: Crypto, path: string, der: Uint8Array): Certificate {
  try {
    return crypto.readCertificate(der)
  } catch (cause) {
    throw inFile(path, cause)
  }
}

/** A failure to read a key or certificate, told of the file that it came from. */
function inFile(path: string, cause: unknown): unknown {
  if (!Failure.is(cause) || !('why' in cause.details)) return cause
  return new Failure('file-malformed', { path, why: cause.details.why }, { cause })
}
