// Act 1: nobody attacks. An organisation with its own certificate authority is believed, though no public one knows it.

import type { Act } from '../act.ts'
import { browse } from '../browser.ts'

/** A site under its own authority, seen by everybody alike. */
export const honestSite: Act = {
  name: 'honest-site',
  title: 'An honest site',
  story:
    'The bakery made a certificate authority of its own and named it in one DNS record. Nobody attacks. You and five mirrors look at the same moment, each with its own DNS.',
  async *play({ internet, signal }) {
    const bakery = await internet.openService('www.bakery.test', 'bakery')
    const home = await internet.startHome()
    const report = await home.verify(bakery.target, { mirrors: internet.mirrors, signal })
    yield {
      caption: null,
      picture: 'you ──────▶ www.bakery.test ◀────── mirrors in five regions',
      browser: await browse(
        { address: bakery.address, port: bakery.site.port },
        bakery.host,
        internet.publicAuthority.certificatePem,
      ),
      report,
      expected: { outcome: 'corroborated', reasons: ['ca-authorised'], browser: 'refusal' },
      meaning:
        'Everybody sees what you see, and it is what the owner named. No public authority was asked, paid or trusted.',
    }
  },
}
