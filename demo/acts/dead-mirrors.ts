// Act 10: two of the three mirrors that are asked are dead. Where there are others they step in; where there are none, nothing is claimed.

import { policies } from '../../src/verdict/policies.ts'
import type { Act } from '../act.ts'
import { repeatableChance } from '../chance.ts'

const largerNetwork = [
  'ARIN-US',
  'ARIN-CA',
  'RIPE-DE',
  'RIPE-SE',
  'APNIC-JP',
  'LACNIC-BR',
  'AFRINIC-KE',
] as const

/** Two dead mirrors, in a network of three and in a larger one. */
export const deadMirrors: Act = {
  name: 'dead-mirrors',
  title: 'Two of three mirrors are dead',
  story:
    'Silence is not dissent. In a network of three mirrors two are switched off; then, in a larger one, two of the three that are drawn. Nobody attacks.',
  async *play({ internet, signal }) {
    const library = await internet.openService('www.library.test', 'library')
    const home = await internet.startHome()
    const three = await internet.startMirrors(['ARIN-US', 'RIPE-DE', 'APNIC-JP'])
    await Promise.all(three.slice(1).map((mirror) => mirror.stop()))
    yield {
      caption: 'Three mirrors are all there are, and two of them are off.',
      picture: 'you ──────▶ www.library.test ◀────── 1 mirror        ✝ ✝',
      browser: null,
      report: await home.verify(library.target, { mirrors: three, signal }),
      expected: { outcome: 'inconclusive', reasons: ['too-few-vantages', 'vantage-abstains'] },
      meaning: 'One voice is not enough to believe anything, and no reason to accuse anybody.',
    }
    const seven = await internet.startMirrors(largerNetwork)
    // The seed of this chance is fixed, so that the very mirrors that will be drawn are the ones to switch off.
    const options = { mirrors: seven, policy: policies.literal, signal }
    const draw = await home.verify(library.target, { ...options, random: repeatableChance() })
    const drawn = draw.vantages.map((view) => view.id)
    const dead = seven.filter((mirror) => drawn.slice(0, 2).includes(mirror.entry.id))
    await Promise.all(dead.map((mirror) => mirror.stop()))
    yield {
      caption: `Of seven mirrors three are drawn, and two of those, ${dead.map((mirror) => mirror.entry.region).join(' and ')}, are switched off.`,
      picture: 'you ──────▶ www.library.test ◀────── 1 mirror, 2 in place of ✝ ✝',
      browser: null,
      report: await home.verify(library.target, { ...options, random: repeatableChance() }),
      expected: {
        outcome: 'corroborated',
        reasons: ['ca-authorised'],
        check: ({ quorum, vantages }) => {
          const silent = vantages.filter((view) => view.said === 'abstains').map(({ id }) => id)
          const replaced = dead.every((mirror) => silent.includes(mirror.entry.id))
          if (!replaced) return 'the dead mirrors were not among those drawn'
          return quorum.agreeing === 3 ? null : `${quorum.agreeing} of 3 agree`
        },
      },
      meaning: 'Others took their seats in the same round, and three of three agree.',
    }
  },
}
