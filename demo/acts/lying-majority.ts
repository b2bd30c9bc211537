// Act 6: three of five mirrors are in the attacker's world. A small network cannot then tell who is right, and says so.

import type { Act } from '../act.ts'

/** A majority of a small network lies: neither the true site nor the false one is believed. */
export const lyingMajority: Act = {
  name: 'lying-majority',
  title: 'Most mirrors of a small network lie',
  story:
    'Five mirrors are all there are, and three of them live in a world that the attacker makes for them. First you look at the honest site, then the attacker has your DNS too.',
  async *play({ internet, signal }) {
    const museum = await internet.openService('www.museum.test', 'museum')
    const authority = internet.attacker.newAuthority()
    const forged = internet.attacker.obtain(museum.host, authority)
    const impostor = await internet.attacker.impersonate(museum, forged, authority)
    const honest = await internet.startMirrors(['ARIN-US', 'RIPE-DE'])
    const lying = await internet.startMirrors(['APNIC-JP', 'LACNIC-BR', 'AFRINIC-KE'])
    for (const { resolver, network } of lying) {
      resolver.poison(impostor.lies)
      network.divert(museum.address, impostor.endpoint)
    }
    const mirrors = [...honest, ...lying]
    const isSplit = ({ views }: { readonly views: Readonly<Record<string, number>> }) => {
      const votes = Object.values(views).toSorted((a, b) => a - b)
      return votes.join() === '2,3' ? null : `the votes are ${votes.join()} instead of 2,3`
    }
    const home = await internet.startHome()
    yield {
      caption: null,
      picture: 'you ──▶ www.museum.test ◀── 2 mirrors        attacker ◀── 3 mirrors',
      browser: null,
      report: await home.verify(museum.target, { mirrors, signal }),
      expected: {
        outcome: 'contradicted',
        reasons: ['vantages-disagree', 'small-network'],
        check: isSplit,
      },
      meaning:
        'Two against three: four would be needed either way. A lying majority can block you from the true site, and the split is there to see.',
    }
    home.resolver.poison(impostor.lies)
    yield {
      caption: 'Now your own DNS lies as well, just as those three do.',
      picture: 'www.museum.test ◀── 2 mirrors        you ──▶ attacker ◀── 3 mirrors',
      browser: null,
      report: await home.verify(museum.target, { mirrors, signal }),
      expected: { outcome: 'contradicted', reasons: ['vantages-disagree'], check: isSplit },
      meaning:
        'Three of five cannot make you believe the false site. Four of five could: this is why mirrors must be many and of many owners.',
    }
  },
}
