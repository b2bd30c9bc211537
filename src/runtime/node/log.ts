// The operator's log: one line an event on stderr, as text for people or as JSON for machines.

import type { Log } from '../runtime.ts'

type Fields = Readonly<Record<string, string | number | boolean | null>>

/** A log that hands each finished line to `write`. `json` chooses the form; `now` stamps the time. */
export function lineLog(options: {
  readonly write: (line: string) => void
  readonly now: () => number
  readonly json: boolean
}): Log {
  const emit = (level: 'info' | 'warn', event: string, fields: Fields = {}): void => {
    const time = new Date(options.now()).toISOString()
    if (options.json) {
      options.write(JSON.stringify({ time, level, event, ...fields }))
      return
    }
    const values = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    options.write(
      [time, level === 'warn' ? 'warning:' : '', event, ...values].filter(Boolean).join(' '),
    )
  }
  return {
    info: (event, fields) => emit('info', event, fields),
    warn: (event, fields) => emit('warn', event, fields),
  }
}

/** A log that says nothing. */
export const silentLog: Log = { info: () => {}, warn: () => {} }
