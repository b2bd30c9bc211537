// Act 2: the resolver of your own network lies, about the address and about the authority, and the lies fit together.

import type { Act } from '../act.ts'

/** Poisoned local DNS with a matching record: looked at from one place alone, all is in order. */
export const poisonedDns: Act = {
  name: 'poisoned-dns',
  title: 'Your DNS is poisoned',
  story:
    "Your DNS resolver sends you to an attacker, and names the attacker's own authority as the bank's. From your place alone the two fit together perfectly.",
  async *play({ internet, signal }) {
    const bank = await internet.openService('www.bank.test', 'bank')
    const authority = internet.attacker.newAuthority()
    const forged = internet.attacker.obtain(bank.host, authority)
    const impostor = await internet.attacker.impersonate(bank, forged, authority)
    const home = await internet.startHome()
    home.resolver.poison(impostor.lies)
    yield {
      caption: null,
      picture: 'you ──▶ attacker        www.bank.test ◀────── mirrors',
      browser: null,
      report: await home.verify(bank.target, { mirrors: internet.mirrors, signal }),
      expected: {
        outcome: 'contradicted',
        reasons: [
          'not-authorised',
          'dns-hijack-suspected',
          'own-dns-differs',
          'reachable-elsewhere',
        ],
      },
      meaning:
        'Your DNS is alone with its story: everybody else sees another bank. Sightline even says at which address the real one is.',
    }
  },
}
