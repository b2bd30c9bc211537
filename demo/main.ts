// `npm run demo`: the command `demo` of the program, which the words after it are for.

import { composeRuntime } from '../src/cli/compose.ts'
import { runInProcess } from '../src/cli/process.ts'
import { chapters } from '../src/cli/registry.ts'

process.argv.splice(2, 0, 'demo')

await runInProcess({ chapters, compose: async (out) => composeRuntime(out) })
