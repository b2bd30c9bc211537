// Act 11: the attacker stands right before the site, so that every vantage sees the same false key. What catches it, and what does not.

import type { Act } from '../act.ts'

/** Interception for everybody: with honest DNS, and with the owner's DNS in the attacker's hands. */
export const inFrontOfAll: Act = {
  name: 'in-front-of-all',
  title: 'In front of everybody',
  story:
    'The attacker sits right before the site: you and every mirror get the same false key. Comparing what everybody sees is of no use here.',
  async *play({ internet, signal }) {
    const mayor = await internet.openService('www.townhall.test', 'town hall')
    const forged = internet.attacker.obtain(mayor.host, internet.publicAuthority)
    const impostor = await internet.attacker.impersonate(mayor, forged, null)
    const home = await internet.startHome()
    for (const { network } of [home, ...internet.mirrors])
      network.divert(mayor.address, impostor.endpoint)
    yield {
      caption: null,
      picture: 'you and every mirror ──▶ attacker ──✂── www.townhall.test',
      browser: null,
      report: await home.verify(mayor.target, { mirrors: internet.mirrors, signal }),
      expected: { outcome: 'contradicted', reasons: ['not-authorised', 'server-side-suspected'] },
      meaning:
        "Caught, because the owner's record in DNS is out of the attacker's reach. A site without a record would have passed.",
    }
    const paper = await internet.openService('www.paper.test', 'newspaper')
    const authority = internet.attacker.newAuthority()
    const second = await internet.attacker.impersonate(
      paper,
      internet.attacker.obtain(paper.host, authority),
      null,
    )
    for (const { network } of [home, ...internet.mirrors])
      network.divert(paper.address, second.endpoint)
    paper.announce([authority])
    yield {
      caption:
        "A stronger attacker: in front of everybody, and in the newspaper's DNS account as well. The record now names the attacker's authority.",
      picture: 'you and every mirror ──▶ attacker (also writes its DNS)',
      browser: null,
      report: await home.verify(paper.target, { mirrors: internet.mirrors, signal }),
      expected: { outcome: 'corroborated', reasons: ['ca-authorised'] },
      meaning:
        "NOT caught, and no vantage could: who holds a site's DNS and its line is that site to all the world, for public authorities too. What shows it is memory: a client that knew the old authority, and an owner who watches what the world sees of the site.",
    }
    for (const { network } of internet.mirrors) network.restore()
  },
}
