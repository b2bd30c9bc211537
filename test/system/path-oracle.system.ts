// OpenSSL is the oracle for path validation (RFC 5280 §6.1): random chains, anchors, times and names, and
// `openssl verify` must accept what we accept, and refuse for the same kind of reason where only one thing is wrong.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesName } from '../../src/observation/names.ts'
import { validatePath, type PathFaultCode } from '../../src/observation/path.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { day, testNow } from '../support/certificates.ts'
import { askPath, oracleParameters, type Judgement } from '../support/openssl.ts'
import { ensurePackages } from '../support/packages.ts'
import { build, host, scenarios, type Scenario } from '../support/scenarios.ts'

/** What is asked of a chain. */
interface Question {
  /** Place of the anchor among the CAs, from the one above the server upwards. */
  readonly anchor: number
  /** Days from now. */
  readonly days: number
  readonly host: string
}

const questions: fc.Arbitrary<Question> = fc.record({
  anchor: fc.nat({ max: 4 }),
  days: fc.constantFrom(0, 0, 0, 0, 0, -25, 25, -40, 40),
  host: fc.constantFrom(host, host, host, '192.0.2.1'),
})

/** Errors of OpenSSL (X509_V_ERR in x509_vfy.h) that say the same as each of our codes. */
const sameReason: Readonly<Record<PathFaultCode | 'wrong-name', readonly number[]>> = {
  'no-path': [18, 19, 20, 21], // self-signed, or no issuer found
  'too-complex': [],
  'bad-signature': [7],
  expired: [10],
  'not-yet-valid': [9],
  'unknown-critical': [34],
  'not-a-ca': [79],
  'may-not-sign': [79, 32],
  'path-too-long': [25],
  'wrong-purpose': [26],
  'name-constraint': [47, 48],
  'wrong-name': [62, 64],
}

test('random chains, anchors and times: a path is valid when OpenSSL says so', async (t) => {
  await ensurePackages('openssl')
  const seen = { cases: 0, accepted: 0, reasons: new Set<string>(), named: 0 }
  const property = fc.asyncProperty(scenarios, questions, async (scenario, question) => {
    const built = build(scenario)
    const anchor = built.authorities[question.anchor] ?? built.authorities.at(-1)
    if (anchor === undefined) return
    const at = testNow + question.days * day
    const theirs = await askPath({ sent: built.sent, anchor, at, host: question.host })
    const [leaf, ...others] = built.sent.map(({ der }) => nodeCrypto.readCertificate(der))
    assert.ok(leaf)
    const certificate = nodeCrypto.readCertificate(anchor.der)
    const result = validatePath(
      { chain: [leaf, ...others], anchor: { kind: 'certificate', certificate }, at },
      nodeCrypto,
    )
    const named = matchesName(leaf, question.host) ? 'valid' : 'wrong-name'
    const ours = result.ok ? named : result.code
    seen.cases++
    if (isOnPurpose({ scenario, ours, theirs })) return void seen.named++
    assert.equal(ours === 'valid', theirs.ok, `ours ${ours}, OpenSSL's ${JSON.stringify(theirs)}`)
    if (theirs.ok || ours === 'valid') return void seen.accepted++
    seen.reasons.add(ours)
    if (countDeviations(scenario, question) > 1) return
    assert.ok(sameReason[ours].includes(theirs.error), `${ours} is not ${theirs.text}`)
  })
  await fc.assert(property, oracleParameters(t, 500))
  t.diagnostic(`${seen.cases} cases, ${seen.accepted} accepted by both, ${seen.named} differ`)
  t.diagnostic(`reasons seen: ${[...seen.reasons].join(', ')}`)
  assert.ok(seen.accepted > seen.cases / 10 && seen.accepted < seen.cases / 1.2)
})

/** The differences that test/system/tlsa-oracle shows by name, as far as they touch paths. */
function isOnPurpose(found: {
  readonly scenario: Scenario
  readonly ours: string
  readonly theirs: Judgement
}): boolean {
  const { scenario, ours, theirs } = found
  const hasSelfIssued = [scenario.leafFault, ...scenario.faults].includes('self-issued')
  return theirs.ok
    ? ours === 'wrong-name' && scenario.names === 'common-name'
    : ours === 'valid' && hasSelfIssued
}

/** In how many ways the case is not the usual one; two of them may hide each other. */
function countDeviations(scenario: Scenario, question: Question): number {
  const faults = [scenario.leafFault, ...scenario.faults.slice(0, scenario.intermediates + 1)]
  return (
    faults.filter((one) => one !== 'none').length +
    Number(scenario.names !== 'host') +
    Number(scenario.omitted <= scenario.intermediates) +
    Number(question.host !== host) +
    Number(question.days !== 0)
  )
}
