// Asks OpenSSL, our oracle, what it thinks of a server with TLSA records (s_client) or of a path (verify).

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { TestCertificate } from './certificates.ts'
import { tryProgram } from './program.ts'

/** OpenSSL's judgement: its error is a number of X509_V_ERR with its text. */
export type Judgement =
  | { readonly ok: true; readonly depth: number | null; readonly by: string }
  | { readonly ok: false; readonly error: number; readonly text: string }

const noStore = ['-no-CAfile', '-no-CApath', '-no-CAstore'] as const

/** What `openssl s_client` says of the server on `port` of loopback, with these TLSA records and no other trust. */
export async function askDane(options: {
  readonly port: number
  readonly host: string
  /** Presentation form. */
  readonly records: readonly string[]
}): Promise<Judgement> {
  const { port, host, records } = options
  const { code, stderr } = await tryProgram([
    ...`openssl s_client -connect 127.0.0.1:${port} -servername ${host}`.split(' '),
    ...`-dane_tlsa_domain ${host} -verify_return_error -brief`.split(' '),
    '-dane_ee_no_namechecks', // RFC 7671 §5.1: OpenSSL checks names with usage 3 unless told not to.
    ...records.flatMap((record) => ['-dane_tlsa_rrdata', record]),
    ...noStore,
  ])
  const match =
    /^DANE TLSA .* (matched \w+ certificate|signed the certificate) at depth (\d+)$/m.exec(stderr)
  if (code === 0 && /^Verification: OK$/m.test(stderr) && match !== null)
    return { ok: true, by: match[1] ?? '', depth: Number(match[2]) }
  return { ok: false, ...errorOf(stderr, /^verify error:num=(\d+):(.*)$/m) }
}

/** What `openssl verify` says of the path from the first of `sent` up to `anchor`, at a time in ms. */
export async function askPath(options: {
  readonly sent: readonly TestCertificate[]
  readonly anchor: TestCertificate
  readonly at: number
  readonly host: string
}): Promise<Judgement> {
  const { sent, anchor, at, host } = options
  const [leaf, ...others] = sent
  const folder = await mkdtemp(join(tmpdir(), 'sightline-openssl-'))
  try {
    const trusted = join(folder, 'trusted.pem')
    const untrusted = join(folder, 'untrusted.pem')
    await writeFile(trusted, anchor.pem)
    await writeFile(untrusted, others.map(({ pem }) => pem).join(''))
    const name = /^[0-9.]+$|:/.test(host) ? '-verify_ip' : '-verify_hostname'
    const { code, stdout, stderr } = await tryProgram(
      [
        // An anchor need not be a root: partial_chain.
        ...`openssl verify -partial_chain -purpose sslserver ${name} ${host}`.split(' '),
        ...`-attime ${Math.floor(at / 1000)}`.split(' '),
        ...['-trusted', trusted].concat(others.length > 0 ? ['-untrusted', untrusted] : []),
        ...noStore,
      ],
      { input: leaf?.pem ?? '' },
    )
    if (code === 0 && stdout.trim() === 'stdin: OK') return { ok: true, by: 'path', depth: null }
    return { ok: false, ...errorOf(stderr, /^error (\d+) at \d+ depth lookup: (.*)$/m) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** @throws Error when OpenSSL said neither yes nor why not: then the test asked wrongly, and nothing was refused */
function errorOf(output: string, pattern: RegExp): { error: number; text: string } {
  const match = pattern.exec(output)
  if (match === null) throw new Error(`OpenSSL gave no judgement:\n${output.slice(0, 2_000)}`)
  return { error: Number(match[1]), text: match[2] ?? '' }
}

/**
 * How many random cases an oracle test runs, and from which seed; printed, so that a failure can be run again.
 * SIGHTLINE_ORACLE_CASES and SIGHTLINE_ORACLE_SEED set them.
 */
export function oracleParameters(
  t: Pick<TestContext, 'diagnostic'>,
  usualCases: number,
): { readonly numRuns: number; readonly seed: number } {
  const numRuns = Number(process.env['SIGHTLINE_ORACLE_CASES'] ?? usualCases)
  const seed = Number(process.env['SIGHTLINE_ORACLE_SEED'] ?? Date.now() & 0x7fffffff)
  t.diagnostic(`SIGHTLINE_ORACLE_SEED=${seed} SIGHTLINE_ORACLE_CASES=${numRuns}`)
  return { numRuns, seed }
}
