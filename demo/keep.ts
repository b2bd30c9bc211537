// After the last act: leaves the small Internet running and prints commands to look at it by hand.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hex } from '../src/base/bytes.ts'
import type { Output } from '../src/cli/output.ts'
import { bold, dim, text, type Text } from '../src/cli/text.ts'
import { writeBootstrap } from '../src/protocol/bootstrap.ts'
import { formatEndpoint } from '../src/runtime/endpoint.ts'
import type { Stage } from './act.ts'
import { recordName } from './owner.ts'
import { world } from './world.ts'

/** Prints the commands and returns when `stage.signal` aborts. Its files are gone then, however that came. */
export async function keepRunning(stage: Stage, out: Output): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-demo-'))
  // A second signal ends the process at once: then this is the last chance.
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.on('exit', remove)
  try {
    for (const group of await trials(stage, folder)) {
      print(out, '')
      print(out, bold(group.what))
      for (const command of group.commands) print(out, text`  ${command}`)
    }
    print(out, '')
    print(out, dim('Running until you press Ctrl-C; everything is gone then.'))
    await stopped(stage.signal)
  } finally {
    process.off('exit', remove)
    await rm(folder, { recursive: true, force: true })
  }
}

/** What can be tried: a sentence, and the commands that show it. */
interface Trial {
  readonly what: string
  readonly commands: readonly string[]
}

/** A service, somebody who pretends to be it, an honest and a poisoned home, and files that name the mirrors. */
async function trials({ internet }: Stage, folder: string): Promise<readonly Trial[]> {
  const service = await internet.openService('www.try.test', 'try')
  const authority = internet.attacker.newAuthority()
  const forged = internet.attacker.obtain(service.host, authority)
  const impostor = await internet.attacker.impersonate(service, forged, authority)
  const [honest, poisoned] = [await internet.startHome(), await internet.startHome()]
  poisoned.resolver.poison(impostor.lies)

  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  const entries = internet.mirrors.map((mirror) => mirror.entry)
  const bootstrap = await file('mirrors.json', writeBootstrap(entries, world.clock.now()))
  const authorityFile = await file('try-ca.pem', service.authority.certificatePem)

  const { host, site, target } = service
  const dig = (home: typeof honest): string =>
    `dig +short @${home.resolver.endpoint.address} -p ${home.resolver.endpoint.port}`
  const verify = (home: typeof honest): string =>
    `npx sightline verify ${target} --allow-private --bootstrap ${bootstrap} --resolver ${formatEndpoint(home.resolver.endpoint)}`
  const shake = `openssl s_client -connect ${service.address}:${site.port} -servername ${host}`
  const record = `2 1 1 ${hex(service.authority.spkiHash)}`
  return [
    {
      what: 'What DNS says, and what a poisoned resolver says:',
      commands: [honest, poisoned].flatMap((home) => [
        `${dig(home)} ${host} A`,
        `${dig(home)} ${recordName(service)} TLSA`,
      ]),
    },
    {
      what: "What the site shows, judged by OpenSSL with the owner's record, and with the owner's authority:",
      commands: [
        `${shake} -dane_tlsa_domain ${host} -dane_tlsa_rrdata "${record}" </dev/null`,
        `curl --cacert ${authorityFile} --resolve ${host}:${site.port}:${service.address} ${target}`,
      ],
    },
    { what: 'The honest site: corroborated', commands: [verify(honest)] },
    { what: 'Through the poisoned resolver: contradicted', commands: [verify(poisoned)] },
    {
      what: 'Somebody on the path answers in its place: contradicted',
      commands: [`${verify(honest)} --connect ${formatEndpoint(impostor.endpoint)}`],
    },
  ]
}

/** Results alone go to standard output when they are for a program. */
function print(out: Output, line: Text): void {
  if (out.wantsJson) out.note(line)
  else out.line(line)
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // A closed terminal ends the process as well, but by a signal that is not asked for elsewhere.
    process.once('SIGHUP', () => resolve())
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
