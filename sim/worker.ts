// A thread that runs scenarios, one after the other, as it is told.

import { parentPort } from 'node:worker_threads'
import { runScenario } from './run.ts'
import { scenarioNamed } from './scenarios/index.ts'
import type { Job } from './seeds.ts'

const port = parentPort
if (port === null) throw new Error('this file is for worker threads')

port.on('message', ({ scenario, options }: Job) => {
  // What escapes ends the thread, and its maker is told.
  void runScenario(scenarioNamed(scenario), options).then((result) => port.postMessage(result))
})
