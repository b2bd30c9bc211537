// Act 7: a content network. Every region has other addresses and other keys, and that is no reason for an alarm.

import { registries } from '../../src/verdict/regions.ts'
import type { Act } from '../act.ts'

/** Other addresses and other leaf keys in every region, all under one authority. */
export const cdn: Act = {
  name: 'cdn',
  title: 'A content network',
  story:
    "The video site has a server in every region. DNS sends everybody to the nearest, and each server has a key of its own. All keys are signed by the owner's one authority.",
  async *play({ internet, signal }) {
    const video = await internet.openService('www.video.test', 'video', registries.length + 1)
    registries.forEach((region, i) => {
      const address = video.site.addresses[i + 1] ?? video.address
      internet.zones.put(video.host, 'A', { ttl: 1, data: [address], region })
    })
    const home = await internet.startHome()
    yield {
      caption: null,
      picture: 'you ──▶ edge 1        edges 2 to 6 ◀────── mirrors, each at the nearest',
      browser: null,
      report: await home.verify(video.target, { mirrors: internet.mirrors, signal }),
      expected: {
        outcome: 'corroborated',
        reasons: ['ca-authorised', 'addresses-vary'],
        check: ({ quorum }) =>
          quorum.dissenting === 0 ? null : `${quorum.dissenting} vantages dissent`,
      },
      meaning:
        'Comparing addresses or keys would have raised a false alarm for every visitor. The authority is what all have in common.',
    }
  },
}
