// One line on the terminal that says what is going on, and is gone when something real is printed.

import { render, type Text } from './text.ts'

/** What progress is written on: standard error, in practice. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(chunk: string): unknown
}

/** The progress line. On anything but a terminal all of it does nothing. */
export interface Progress {
  /** Replaces the line. Cut at the width of the terminal, so that it stays one line. */
  show(line: Text): void
  /** Takes the line away. */
  clear(): void
}

const eraseLine = '\r\u001b[2K'

/** The progress line on `stream`; `enabled` false (`--quiet`) silences it. */
export function createProgress(
  stream: ProgressStream,
  options: { readonly enabled: boolean; readonly colours: boolean },
): Progress {
  const active = options.enabled && stream.isTTY === true
  let shown = false
  return {
    show: (line) => {
      if (!active) return
      const plain = render(line, false)
      const width = widthOfTerminal(stream) - 1
      const fits = plain.length <= width
      const visible = fits ? render(line, options.colours) : `${plain.slice(0, width - 1)}…`
      stream.write(`${eraseLine}${visible}`)
      shown = true
    },
    clear: () => {
      if (!shown) return
      stream.write(eraseLine)
      shown = false
    },
  }
}

/** Columns of the terminal behind `stream`; 80 where it does not say, or says 0 as some do. */
export function widthOfTerminal(stream: Pick<ProgressStream, 'columns'>): number {
  return stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns
}
