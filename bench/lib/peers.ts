// The peers of a mirror's answering part, from Debian: nginx and Caddy with a static body, unbound with DNS over HTTPS.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, type Program, run, start } from './program.ts'

/** A server to measure, and where it answers. */
export interface Peer {
  readonly program: Program
  /** `https://127.0.0.1:PORT`. */
  readonly origin: string
}

/** What all peers share: TLS 1.3 with the same certificate and the one cipher suite that every side has hardware for. */
export interface PeerSetup {
  readonly folder: string
  readonly core: number
  readonly keyFile: string
  readonly chainFile: string
}

export const cipherSuite = 'TLS_AES_128_GCM_SHA256'

/** A P-256 key and certificate for the peers, in `folder`. */
export async function makePeerCertificate(
  folder: string,
): Promise<Pick<PeerSetup, 'keyFile' | 'chainFile'>> {
  const keyFile = join(folder, 'peer.key')
  const chainFile = join(folder, 'peer.pem')
  const made = await run({
    name: 'openssl',
    command: 'openssl',
    args: `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost
      -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${keyFile} -out ${chainFile}`.split(
      /\s+/,
    ),
    core: null,
    limitMs: 30_000,
  })
  if (!made.ok) throw new Error(`openssl made no certificate: ${made.errors}`)
  return { keyFile, chainFile }
}

/** Files by name, in a folder of their own. */
export type StaticFiles = Readonly<Record<string, string>>

async function writeFiles(folder: string, files: StaticFiles): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
}

/** nginx with one worker serving `files` with its cache of open files, by HTTP/1.1 and HTTP/2. */
export async function startNginx(setup: PeerSetup, files: StaticFiles): Promise<Peer> {
  const folder = join(setup.folder, 'nginx')
  await writeFiles(join(folder, 'files'), files)
  const port = await freePort()
  const config = join(folder, 'nginx.conf')
  await writeFile(config, nginxConfig(setup, folder, port))
  const program = await start({
    name: 'nginx',
    command: 'nginx',
    args: ['-p', folder, '-c', config, '-e', join(folder, 'error.log')],
    core: setup.core,
    ready: port,
  })
  return { program, origin: `https://127.0.0.1:${port}` }
}

function nginxConfig(setup: PeerSetup, folder: string, port: number): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
user root;
events { worker_connections 1024; }
http {
  access_log off;
  ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n  ')}
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  tcp_nopush on;
  sendfile on;
  open_file_cache max=16;
  open_file_cache_valid 300s;
  default_type application/json;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites ${cipherSuite};
    ssl_certificate ${setup.chainFile};
    ssl_certificate_key ${setup.keyFile};
    root ${folder}/files;
  }
}
`
}

/** Caddy with one processor, serving `files` from disk and, at `/memory`, `body` from its configuration. */
export async function startCaddy(
  setup: PeerSetup,
  files: StaticFiles,
  body: string,
): Promise<Peer> {
  const folder = join(setup.folder, 'caddy')
  await writeFiles(join(folder, 'files'), files)
  const port = await freePort()
  const config = join(folder, 'caddy.json')
  const headers = { 'Content-Type': ['application/json'] }
  const routes = [
    {
      match: [{ path: ['/memory'] }],
      handle: [{ handler: 'static_response', headers, body }],
    },
    { handle: [{ handler: 'file_server', root: join(folder, 'files') }] },
  ]
  const server = {
    listen: [`127.0.0.1:${port}`],
    automatic_https: { disable: true },
    tls_connection_policies: [{ protocol_min: 'tls1.3' }],
    routes,
  }
  const certificates = { load_files: [{ certificate: setup.chainFile, key: setup.keyFile }] }
  await writeFile(
    config,
    JSON.stringify({
      admin: { disabled: true },
      logging: { logs: { default: { level: 'ERROR' } } },
      apps: { http: { servers: { bench: server } }, tls: { certificates } },
    }),
  )
  const program = await start({
    name: 'caddy',
    command: 'caddy',
    args: ['run', '--config', config],
    core: setup.core,
    ready: port,
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, GOMAXPROCS: '1' },
  })
  return { program, origin: `https://127.0.0.1:${port}` }
}

/** unbound answering one A record from local data by DNS over HTTPS (RFC 8484); HTTP/2 only, as it has no other. */
export async function startUnbound(setup: PeerSetup): Promise<Peer & { readonly path: string }> {
  const folder = join(setup.folder, 'unbound')
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const config = join(folder, 'unbound.conf')
  await writeFile(config, unboundConfig(setup, folder, port))
  const program = await start({
    name: 'unbound',
    command: 'unbound',
    args: ['-d', '-p', '-c', config],
    core: setup.core,
    ready: port,
  })
  // RFC 8484 §4.1.1: the query for www.bench.test A with id 0, in base64url.
  const query = Buffer.concat([
    Buffer.from('000001000001000000000000', 'hex'),
    Buffer.from('\x03www\x05bench\x04test\x00', 'latin1'),
    Buffer.from('00010001', 'hex'),
  ]).toString('base64url')
  return { program, origin: `https://127.0.0.1:${port}`, path: `/dns-query?dns=${query}` }
}

function unboundConfig(setup: PeerSetup, folder: string, port: number): string {
  return `server:
  interface: 127.0.0.1@${port}
  https-port: ${port}
  tls-service-key: "${setup.keyFile}"
  tls-service-pem: "${setup.chainFile}"
  tls-ciphersuites: "${cipherSuite}"
  num-threads: 1
  incoming-num-tcp: 1000
  do-daemonize: no
  use-syslog: no
  logfile: ""
  chroot: ""
  username: ""
  directory: "${folder}"
  pidfile: "${folder}/unbound.pid"
  trust-anchor-file: ""
  module-config: "iterator"
  local-zone: "bench.test." static
  local-data: "www.bench.test. 60 IN A 192.0.2.1"
remote-control:
  control-enable: no
`
}
