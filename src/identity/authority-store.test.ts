import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { pemOf } from '../base/pem.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { nodeFiles } from '../runtime/node/files.ts'
import { nodeRandom } from '../runtime/node/random.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { loadAuthority, saveAuthority } from './authority-store.ts'
import { createAuthority, issueServer } from './issue.ts'
import { saveServer, serverPaths } from './server-files.ts'

const needs = {
  clock: createVirtualClock(),
  random: nodeRandom,
  crypto: nodeCrypto,
  files: nodeFiles,
}
const authority = createAuthority(needs, { name: 'Example Corp', names: ['a.test'] })

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-test-'))
  try {
    await run(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const modeOf = async (path: string): Promise<string> =>
  ((await stat(path)).mode & 0o777).toString(8)

test('a CA comes back as it was kept, closed to other users', () =>
  inFolder(async (folder) => {
    const directory = join(folder, 'deep', 'ca')
    const paths = await saveAuthority(nodeFiles, directory, authority)
    assert.deepEqual(paths, {
      key: join(directory, 'ca.key'),
      certificate: join(directory, 'ca.crt'),
    })
    assert.equal(await modeOf(directory), '700')
    assert.equal(await modeOf(paths.key), '600')
    const loaded = await loadAuthority(needs, directory)
    assert.deepEqual({ ...loaded, key: null }, { ...authority, key: null })
    assert.deepEqual(loaded.key.publicKey, authority.key.publicKey)
  }))

test('a CA is never replaced, not even half of one', () =>
  inFolder(async (folder) => {
    const other = createAuthority(needs, { name: 'Other' })
    for (const kept of ['ca.key', 'ca.crt']) {
      const directory = join(folder, kept)
      await mkdir(directory, { mode: 0o700 })
      await writeFile(join(directory, kept), 'precious')
      await assert.rejects(saveAuthority(nodeFiles, directory, other), { code: 'file-exists' })
      assert.equal(await readFile(join(directory, kept), 'utf8'), 'precious')
    }
  }))

test('a missing CA is told with what to do', () =>
  inFolder(async (directory) => {
    await assert.rejects(loadAuthority(needs, directory), {
      code: 'authority-missing',
      hint: 'make one with `sightline ca init`, or name its folder with --ca DIR',
    })
  }))

test('a key or folder that is open to other users is refused', () =>
  inFolder(async (folder) => {
    const directory = join(folder, 'ca')
    const { key } = await saveAuthority(nodeFiles, directory, authority)
    await chmod(key, 0o640)
    await assert.rejects(loadAuthority(needs, directory), {
      code: 'file-exposed',
      message: `use ${JSON.stringify(key)}: its permissions, 640, are open to other users`,
      hint: `close it with: chmod 600 ${key}`,
    })
    await chmod(key, 0o600)
    await chmod(directory, 0o770)
    await assert.rejects(loadAuthority(needs, directory), {
      code: 'file-exposed',
      hint: `close it with: chmod 700 ${directory}`,
    })
    await chmod(directory, 0o755)
    await loadAuthority(needs, directory)
  }))

const leaf = issueServer(needs, authority, { names: ['a.test'] })
const damage = [
  ['ca.crt', createAuthority(needs, { name: 'X' }).certificatePem, /another key than the one/],
  ['ca.crt', pemOf('CERTIFICATE', leaf.certificate.der), /not that of a CA/],
  ['ca.crt', leaf.chainPem, /exactly one PEM certificate/],
  ['ca.crt', 'nothing', /exactly one PEM certificate/],
  ['ca.crt', pemOf('CERTIFICATE', Uint8Array.of(0x30, 0)), /ca\.crt/],
  ['ca.crt', Uint8Array.of(0xff), /not text/],
  ['ca.key', 'nothing', /ca\.key.*not a PEM private key/],
] as const

for (const [name, content, message] of damage)
  test(`a damaged ${name} is told by its name: ${String(message)}`, () =>
    inFolder(async (folder) => {
      const directory = join(folder, 'ca')
      await saveAuthority(nodeFiles, directory, authority)
      await writeFile(join(directory, name), content)
      await assert.rejects(loadAuthority(needs, directory), { code: 'file-malformed', message })
    }))

test('a server gets its key and chain as two files, and keeps them', () =>
  inFolder(async (folder) => {
    const paths = serverPaths(join(folder, 'tls'), '*.a.test')
    assert.deepEqual(paths, {
      key: join(folder, 'tls', '_wildcard.a.test.key'),
      chain: join(folder, 'tls', '_wildcard.a.test.crt'),
    })
    await saveServer(nodeFiles, paths, leaf)
    assert.equal(await modeOf(paths.key), '600')
    assert.equal(await readFile(paths.key, 'utf8'), leaf.keyPem)
    assert.equal(await readFile(paths.chain, 'utf8'), leaf.chainPem)
    await assert.rejects(saveServer(nodeFiles, paths, leaf), { code: 'file-exists' })
    await rm(paths.key)
    await assert.rejects(saveServer(nodeFiles, paths, leaf), { code: 'file-exists' })
    await assert.rejects(stat(paths.key))
  }))
