// Asks whether a server is the one that everybody else sees, and decides: the whole library in one page.
//
//   node examples/verify.ts TARGET BOOTSTRAP-FILE [RESOLVER-IP:PORT]
// oxlint-disable no-console -- an example prints

import { readFile } from 'node:fs/promises'
import {
  createClient,
  createProbe,
  createResolver,
  mirrorsOf,
  nodeRuntime,
  systemResolvers,
} from '../src/index.ts'

const [target = 'example.com', source = 'mirrors.json', resolver] = process.argv.slice(2)
const [address = '', port = '53'] = (resolver ?? '').split(':')
const servers = resolver === undefined ? systemResolvers() : [{ address, port: Number(port) }]

const runtime = nodeRuntime()
const client = createClient(runtime, {
  // `allowPrivate` is for this example's test network on loopback: leave it out elsewhere.
  mirrors: mirrorsOf(runtime, [{ source, bytes: await readFile(source) }], { allowPrivate: true }),
  probe: createProbe(runtime, {
    resolver: createResolver(runtime, { servers }),
    allowPrivate: true,
  }),
})

try {
  const verdict = await client.verify(target)
  console.log(verdict.outcome, `${verdict.quorum.agreeing} of ${verdict.quorum.asked}`)
  for (const reason of verdict.reasons) console.log(`${reason.code}: ${reason.text}`)
  // Where reasons do not matter there is a call that says true or false.
  console.log('trusted:', await client.isTrusted(target))
} finally {
  client.close()
}
