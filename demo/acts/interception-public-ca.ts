// Act 4: the same interception, with a certificate that a public authority was tricked into. Browsers of today are content.

import type { Act } from '../act.ts'
import { browse } from '../browser.ts'

/** Interception with a publicly trusted certificate, of a site with a record and of one without. */
export const interceptionPublicCa: Act = {
  name: 'interception-public-ca',
  title: 'A public authority was tricked',
  story:
    'The attacker on your path now has a certificate for the name from an authority that every browser trusts. Its checks were tricked; that happens.',
  async *play({ internet, signal }) {
    const shop = await internet.openService('www.shop.test', 'shop')
    const forged = internet.attacker.obtain(shop.host, internet.publicAuthority)
    const impostor = await internet.attacker.impersonate(shop, forged, null)
    const home = await internet.startHome()
    home.network.divert(shop.address, impostor.endpoint)
    const root = internet.publicAuthority.certificatePem
    yield {
      caption: null,
      picture: 'you ──▶ attacker ──✂── www.shop.test ◀────── mirrors',
      browser: await browse(impostor.endpoint, shop.host, root),
      report: await home.verify(shop.target, { mirrors: internet.mirrors, signal }),
      expected: {
        outcome: 'contradicted',
        reasons: ['not-authorised', 'interception-suspected'],
        browser: 'padlock',
      },
      meaning:
        'The browser shows its padlock to the attacker. Sightline asks what the owner named, and that was another authority.',
    }
    const club = await internet.openService('www.club.test', 'club')
    club.announce([])
    const forgedClub = internet.attacker.obtain(club.host, internet.publicAuthority)
    const second = await internet.attacker.impersonate(club, forgedClub, null)
    home.network.divert(club.address, second.endpoint)
    yield {
      caption: 'The same trick on a club whose owner publishes no record at all.',
      picture: 'you ──▶ attacker ──✂── www.club.test ◀────── mirrors',
      browser: await browse(second.endpoint, club.host, root),
      report: await home.verify(club.target, { mirrors: internet.mirrors, signal }),
      expected: { outcome: 'contradicted', reasons: ['other-key'], browser: 'padlock' },
      meaning: 'Without a record the keys are compared: everybody else was shown another one.',
    }
  },
}
