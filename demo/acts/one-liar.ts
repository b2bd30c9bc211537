// Act 5: one mirror of five lies: it signs, with keys in perfect order, what it never saw. It changes nothing, and it is named.

import { inventingProbe } from '../invention.ts'
import type { Act } from '../act.ts'

/** Four honest mirrors and one that invents its observations. */
export const oneLiar: Act = {
  name: 'one-liar',
  title: 'One mirror lies',
  story:
    'A network of five mirrors. The one in Japan belongs to the attacker and signs an invention: another address, another key, another authority. Nobody attacks you.',
  async *play({ internet, signal }) {
    const school = await internet.openService('www.school.test', 'school')
    const authority = internet.attacker.newAuthority()
    const forged = internet.attacker.obtain(school.host, authority)
    const honest = await internet.startMirrors(['ARIN-US', 'RIPE-DE', 'LACNIC-BR', 'AFRINIC-KE'])
    const liar = await internet.startLiar('APNIC-JP', inventingProbe({ forged, authority }))
    const home = await internet.startHome()
    yield {
      caption: null,
      picture: 'you ──────▶ www.school.test ◀────── four mirrors, and one that lies',
      browser: null,
      report: await home.verify(school.target, { mirrors: [...honest, liar], signal }),
      expected: {
        outcome: 'corroborated',
        reasons: ['ca-authorised', 'vantage-dissents'],
        check: ({ vantages }) => {
          const dissenting = vantages.filter((view) => view.said === 'dissents')
          return dissenting.length === 1 && dissenting[0]?.id === liar.entry.id
            ? null
            : 'the liar is not the one that dissents'
        },
      },
      meaning:
        'Four of five are enough, and the liar stands there by name with its own signature under the lie.',
    }
  },
}
