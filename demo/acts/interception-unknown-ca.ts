// Act 3: DNS is honest, but somebody on your path answers in the site's place, with a certificate of their own making.

import type { Act } from '../act.ts'

/** Interception near the client, at the right address, under an authority that nobody knows. */
export const interceptionUnknownCa: Act = {
  name: 'interception-unknown-ca',
  title: 'Somebody sits on your path',
  story:
    'DNS is honest and you connect to the right address. A router on the way lets you talk to the attacker instead, who shows a certificate from an authority of their own.',
  async *play({ internet, signal }) {
    const clinic = await internet.openService('www.clinic.test', 'clinic')
    const forged = internet.attacker.obtain(clinic.host, internet.attacker.newAuthority())
    const impostor = await internet.attacker.impersonate(clinic, forged, null)
    const home = await internet.startHome()
    home.network.divert(clinic.address, impostor.endpoint)
    yield {
      caption: null,
      picture: 'you ──▶ attacker ──✂── www.clinic.test ◀────── mirrors',
      browser: null,
      report: await home.verify(clinic.target, { mirrors: internet.mirrors, signal }),
      expected: {
        outcome: 'contradicted',
        reasons: ['not-authorised', 'interception-suspected'],
      },
      meaning:
        'The address is right and the key is wrong, for you alone: the attacker is near you, not at the clinic.',
    }
  },
}
