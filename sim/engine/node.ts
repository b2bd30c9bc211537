// A process of the simulation on a host of its own: production code sees it as the one Runtime there is.

import type { Crypto, Runtime } from '../../src/runtime/runtime.ts'
import type { Chance } from './chance.ts'
import { createDisk, type Disk } from './disk.ts'
import { traced, type Fabric } from './fabric.ts'
import type { Host } from './host.ts'
import { isAlive, type Station } from './https.ts'
import { createNetwork } from './network.ts'

/** A host with a process that can end and begin again. */
export interface Node {
  readonly host: Host
  /** The world as the process that runs now has it; what an ended one had does nothing any more. */
  runtime(): Runtime
  /** Ends the process in the middle of whatever it does: its timers, promises and servers are gone, its disk is not. */
  crash(): void
  /** What its wall clock shows beyond the true time, ms. Its monotonic clock is right. */
  skewMs: number
}

/** What a node is made of. */
export interface NodeParts {
  readonly fabric: Fabric
  readonly host: Host
  readonly chance: Chance
  readonly crypto: Crypto
}

/** A node whose process runs. */
export function createNode(parts: NodeParts): Node {
  const { host } = parts
  const disk = createDisk()
  let current: Runtime | null = null
  const node: Node = {
    host,
    skewMs: 0,
    runtime: () => (current ??= runtimeOf(parts, { skewMs: () => node.skewMs, disk })),
    crash: () => {
      host.life += 1
      for (const listener of host.listeners.values()) listener.isOpen = false
      host.listeners.clear()
      current = null
    },
  }
  return node
}

function runtimeOf(
  { fabric, host, chance, crypto }: NodeParts,
  own: { readonly skewMs: () => number; readonly disk: Disk },
): Runtime {
  const { engine, trace } = fabric
  const station: Station = { fabric, host, life: host.life }
  const note = (event: string): void => {
    trace.word(traced.log)
    trace.word(host.index)
    trace.text(event)
  }
  return {
    clock: {
      now: () => engine.now() + own.skewMs(),
      monotonic: () => engine.monotonic(),
      after: (ms, run) =>
        engine.after(ms, () => {
          if (isAlive(station)) run()
        }),
    },
    random: chance,
    crypto,
    network: createNetwork(station),
    ...own.disk,
    log: { info: note, warn: note },
  }
}
