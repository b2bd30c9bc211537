// Act 9: the owner's authority is stolen. One DNS record changes, and what the thief has is worth nothing within seconds.

import { sleep } from '../../src/runtime/deadline.ts'
import type { Report } from '../../src/client/client.ts'
import type { Act, Stage } from '../act.ts'
import type { Home } from '../home.ts'
import type { Owner } from '../owner.ts'
import { world } from '../world.ts'

/** Within this time every client must refuse the thief: TTL, the mirrors' floor, and time to ask. */
const patienceMs = 12_000
const pollMs = 250

/** A stolen CA key: accepted before, refused everywhere after one change, with the new authority in force. */
export const breachedCa: Act = {
  name: 'breached-ca',
  title: "The owner's authority is stolen",
  story:
    "A thief has the key of the hospital's own authority, signs a certificate with it, and sits on the path of a home, an office and a café.",
  async *play(stage) {
    const { internet, signal } = stage
    const hospital = await internet.openService('www.hospital.test', 'hospital')
    const loot = internet.attacker.obtain(hospital.host, hospital.authority)
    internet.labels.add(loot.certificate.spki, 'thief', 'hostile')
    const thief = await internet.attacker.impersonate(hospital, loot, null)
    const home = await internet.startHome()
    const places = [home, await internet.startHome(), await internet.startHome()]
    for (const { network } of places) network.divert(hospital.address, thief.endpoint)
    yield {
      caption: 'Before anybody has noticed.',
      picture: 'you ──▶ thief ──✂── www.hospital.test ◀────── mirrors',
      browser: null,
      report: await home.verify(hospital.target, { mirrors: internet.mirrors, signal }),
      expected: { outcome: 'corroborated', reasons: ['ca-authorised'] },
      meaning:
        'The thief IS the authority that the owner names, so this passes. Public authorities have the same problem, for everybody at once.',
    }
    const renewed = hospital.newAuthority('new CA')
    hospital.site.use(hospital.issue(renewed, 'new key'))
    hospital.announce([renewed])
    const refused = await untilRefused(stage, places, hospital)
    yield {
      caption: `The hospital makes a new authority and changes its one record. ${(refused.ms / 1000).toFixed(1)} s later home, office and café all refuse the thief.`,
      picture: 'you ──▶ thief ──✂── www.hospital.test, new key ◀────── mirrors',
      browser: null,
      report: refused.report,
      expected: { outcome: 'contradicted', reasons: ['not-authorised', 'interception-suspected'] },
      meaning:
        "No revocation list, no waiting for an update of anybody's software: the record was the trust, and it has changed.",
    }
    home.network.restore()
    yield {
      caption: 'The thief leaves the path.',
      picture: 'you ──────▶ www.hospital.test, new key ◀────── mirrors',
      browser: null,
      report: await home.verify(hospital.target, { mirrors: internet.mirrors, signal }),
      expected: { outcome: 'corroborated', reasons: ['ca-authorised'] },
      meaning: 'Back in service under the new authority, as fast as DNS.',
    }
  },
}

/**
 * Asks from every place until all refuse because everybody names the new authority alone; how long that took, and
 * what the first place was told. Before that, a place may refuse because the vantages do not yet agree.
 */
async function untilRefused(
  { internet, tell, signal }: Stage,
  places: readonly Home[],
  owner: Owner,
): Promise<{ readonly report: Report; readonly ms: number }> {
  const started = world.clock.monotonic()
  for (;;) {
    const reports = await Promise.all(
      places.map((place) => place.verify(owner.target, { mirrors: internet.mirrors, signal })),
    )
    const ms = world.clock.monotonic() - started
    const refusing = reports.filter(isRefusal).length
    tell(
      `${(ms / 1000).toFixed(1)} s after the change: ${refusing} of ${places.length} places refuse the thief`,
    )
    const [report] = reports
    if (report === undefined) throw new Error('nobody was asked')
    if (refusing === places.length || ms > patienceMs) return { report, ms }
    await sleep(world.clock, pollMs, signal)
  }
}

function isRefusal({ outcome, reasons }: Report): boolean {
  return outcome === 'contradicted' && reasons.some((reason) => reason.code === 'not-authorised')
}
