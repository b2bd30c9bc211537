// Load generators of others: wrk for HTTP/1.1, h2load for HTTP/2, each burst bounded in time.

import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { type Program, run } from './program.ts'

/** One burst of requests over connections that are kept alive. */
export interface Burst {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly core: number
  /** Lua for wrk that makes each request. */
  readonly script?: string
}

/** Beyond the burst itself, for start, handshakes and the report; a generator that needs more hangs. */
const slackMs = 5_000

/** Good answers within the burst; null when the generator failed or had to be cut off. */
export async function wrk(burst: Burst): Promise<number | null> {
  const args = ['-t1', `-c${burst.connections}`, `-d${burst.seconds}s`, '--timeout', '4s']
  if (burst.script !== undefined) args.push('-s', burst.script)
  const ended = await run({
    name: 'wrk',
    command: 'wrk',
    args: [...args, burst.url],
    core: burst.core,
    limitMs: burst.seconds * 1000 + slackMs,
  })
  const total = /(\d+) requests in/.exec(ended.output)
  if (!ended.ok || total === null) return null
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(ended.output)?.[1] ?? 0)
  return Number(total[1]) - refused
}

/** As `wrk`, by HTTP/2 with eight requests in flight on each connection. */
export async function h2load(burst: Burst): Promise<number | null> {
  const ended = await run({
    name: 'h2load',
    command: 'h2load',
    args: ['-t1', `-c${burst.connections}`, '-m8', `-D${burst.seconds}`, burst.url],
    core: burst.core,
    limitMs: burst.seconds * 1000 + slackMs,
  })
  const good = /status codes: (\d+) 2xx/.exec(ended.output)
  return ended.ok && good !== null ? Number(good[1]) : null
}

/** Good answers per second of the server's processor time in one burst; null when it was cut off. */
export async function answersPerCpuSecond(
  server: Program,
  burst: () => Promise<number | null>,
): Promise<number | null> {
  const before = await server.cpuSeconds()
  const answers = await burst()
  const spent = (await server.cpuSeconds()) - before
  return answers === null || answers === 0 ? null : answers / spent
}

/** Writes Lua that makes wrk POST the JSON `body`, in which `%NONCE%` becomes 22 fresh base64url characters. */
export async function writeNonceScript(folder: string, body: string): Promise<string> {
  const path = join(folder, 'nonce.lua')
  const [before, after] = body.split('%NONCE%', 2).map((part) => JSON.stringify(part))
  // The counter makes each nonce new; the random head makes two bursts differ.
  await writeFile(
    path,
    `local head, count = '', 0
function init()
  math.randomseed(os.time())
  for _ = 1, 12 do head = head .. string.char(math.random(97, 122)) end
end
wrk.method = 'POST'
wrk.headers['content-type'] = 'application/json'
local before, after = ${before}, ${after}
function request()
  count = count + 1
  return wrk.format(nil, nil, nil, before .. head .. string.format('%09d', count) .. 'A' .. after)
end
`,
  )
  return path
}

/** The body that `url` answers with. The certificate is not judged: this is loopback. @throws Error unless it is 200 */
export function fetchText(url: string, json?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        rejectUnauthorized: false,
        agent: false,
        method: json === undefined ? 'GET' : 'POST',
        headers: json === undefined ? {} : { 'content-type': 'application/json' },
      },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (part: string) => (body += part))
        response.on('end', () => {
          if (response.statusCode === 200) resolve(body)
          else reject(new Error(`${url} answered ${response.statusCode}: ${body}`))
        })
      },
    )
    sent.on('error', reject)
    sent.end(json)
  })
}
