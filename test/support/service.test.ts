import assert from 'node:assert/strict'
import test from 'node:test'
import { runProgram, tryProgram } from './program.ts'
import { acceptsTcp, freePort, startService } from './service.ts'

const server = (port: number): string =>
  `require('node:net').createServer((s) => s.end()).listen(${port}, '127.0.0.1', () => console.log('up'))`

test('a service is ready when its probe says so, and gone when it has been stopped', async () => {
  const port = await freePort()
  assert.equal(await acceptsTcp(port), false)
  const service = await startService({
    command: [process.execPath, '-e', server(port)],
    ready: () => acceptsTcp(port),
  })
  assert.equal(service.output(), 'up\n')
  assert.equal(await acceptsTcp(port), true)
  await service.stop()
  assert.equal(await acceptsTcp(port), false)
  await service.stop()
})

test('a service that ends early, never gets ready or does not exist is an error with its output', async () => {
  const never = async (): Promise<boolean> => false
  await assert.rejects(
    startService({
      command: [process.execPath, '-e', 'console.error("no config"); process.exit(3)'],
      ready: never,
    }),
    /ended with 3 before it was ready:\nno config/,
  )
  await assert.rejects(
    startService({
      command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
      ready: never,
      readyWithinMs: 100,
    }),
    /was not ready within 100 ms/,
  )
  await assert.rejects(
    startService({ command: ['no-such-program-here'], ready: never }),
    /cannot be started/,
  )
})

test('a program gets its input and gives its output, and its failure is loud', async () => {
  const echo = [process.execPath, '-e', 'process.stdin.pipe(process.stdout)']
  assert.equal(await runProgram(echo, { input: 'héllo' }), 'héllo')
  const failing = [process.execPath, '-e', 'console.error("why"); process.exit(2)']
  await assert.rejects(runProgram(failing), /ended with 2:\nwhy/)
  assert.equal((await tryProgram(failing)).code, 2)
  await assert.rejects(runProgram(['no-such-program-here']), /cannot run no-such-program-here/)
  await assert.rejects(
    runProgram([process.execPath, '-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 200 }),
    /did not end within 200 ms/,
  )
})
