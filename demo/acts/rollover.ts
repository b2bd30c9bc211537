// Act 8: an owner changes to a new authority as RFC 7671 §8.1 says: announce, wait, change, withdraw. No alarm at any step.

import { cachesTurnOver } from '../caches.ts'
import type { Act, Scene } from '../act.ts'

/** An announced roll-over, looked at before, twice during, and after. */
export const rollover: Act = {
  name: 'rollover',
  title: 'An announced change of keys',
  story:
    'The newsroom moves to a new authority. It publishes the new one beside the old, waits until every cache has seen both, changes the certificate, and withdraws the old record.',
  async *play({ internet, tell, signal }) {
    const news = await internet.openService('www.news.test', 'old key')
    const { authority: old } = news
    internet.labels.add(old.certificate.spki, 'old CA', 'honest')
    const next = news.newAuthority('new CA')
    const home = await internet.startHome()
    const look = async (
      parts: Pick<Scene, 'caption' | 'picture' | 'meaning'>,
      announced: boolean,
    ) =>
      ({
        ...parts,
        browser: null,
        report: await home.verify(news.target, { mirrors: internet.mirrors, signal }),
        expected: {
          outcome: 'corroborated',
          reasons: ['ca-authorised', ...(announced ? (['next-key-announced'] as const) : [])],
          check: ({ quorum }) => (quorum.dissenting === 0 ? null : 'a vantage dissents'),
        },
      }) satisfies Scene

    yield await look(
      {
        caption: 'Before: one record, the old key.',
        picture: null,
        meaning: 'As ever.',
      },
      false,
    )
    news.announce([old, next])
    await cachesTurnOver('both records are published', { tell, signal })
    yield await look(
      {
        caption: 'During: both records, still the old key.',
        picture: null,
        meaning: 'Either may be used now, since everybody has seen both.',
      },
      true,
    )
    news.site.use(news.issue(next, 'new key'))
    yield await look(
      {
        caption: 'During: both records, the new key.',
        picture: 'you ──────▶ www.news.test, new key ◀────── mirrors',
        meaning: 'The change itself is no event.',
      },
      true,
    )
    news.announce([next])
    yield await look(
      {
        caption: 'After: one record, the new key.',
        picture: null,
        meaning: 'Some caches still hold the old record beside the new one. That harms nobody.',
      },
      false,
    )
  },
}
