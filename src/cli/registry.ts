// The table of contents: every command with its one-line summary. A command's code is loaded when it is called.

import { existsSync } from 'node:fs'
import { Failure } from '../base/failure.ts'
import type { Command } from './command.ts'

/** One command of the table. */
export interface Entry {
  /** As it is typed: `verify`, or two words such as `ca init`. */
  readonly name: string
  /** One line without a full stop, as `sightline --help` prints it. */
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Commands that belong together, under one heading of the manual page. */
export interface Chapter {
  readonly title: string
  readonly entries: readonly Entry[]
}

/** All commands, in the order in which a newcomer should read them. */
export const chapters: readonly Chapter[] = [
  {
    title: 'Asking',
    entries: [
      {
        name: 'verify',
        summary: 'is this server the one that everybody else sees, and its owner names?',
        load: async () => (await import('./commands/verify.ts')).verify,
      },
      {
        name: 'explain',
        summary: 'check the evidence of a verdict, offline, and judge again',
        load: async () => (await import('./commands/explain.ts')).explain,
      },
      {
        name: 'observe',
        summary: 'what this machine sees of a target',
        load: async () => (await import('./commands/observe.ts')).observe,
      },
    ],
  },
  {
    title: 'The network',
    entries: [
      {
        name: 'mirror',
        summary: 'run a Secure Mirror',
        load: async () => (await import('./commands/mirror.ts')).mirror,
      },
      {
        name: 'mirrors list',
        summary: 'show the mirrors that this client knows',
        load: async () => (await import('./commands/mirrors-list.ts')).mirrorsList,
      },
      {
        name: 'mirrors refresh',
        summary: 'come to a list of mirrors by what many of them say',
        load: async () => (await import('./commands/mirrors-refresh.ts')).mirrorsRefresh,
      },
      {
        name: 'mirrors bootstrap',
        summary: 'write a bootstrap file from mirrors',
        load: async () => (await import('./commands/mirrors-bootstrap.ts')).mirrorsBootstrap,
      },
      {
        name: 'conformance',
        summary: 'does a mirror, of whatever make, keep the protocol?',
        load: async () => (await import('./commands/conformance.ts')).conformance,
      },
    ],
  },
  {
    title: 'Your own authority',
    entries: [
      {
        name: 'ca init',
        summary: 'make a CA of your own',
        load: async () => (await import('./commands/ca-init.ts')).caInit,
      },
      {
        name: 'ca issue',
        summary: 'make a key and certificate for a server',
        load: async () => (await import('./commands/ca-issue.ts')).caIssue,
      },
      {
        name: 'ca tlsa',
        summary: 'print or publish the DNS record that names your CA',
        load: async () => (await import('./commands/ca-tlsa.ts')).caTlsa,
      },
      {
        name: 'ca lint',
        summary: 'is a site served as clients of its own CA need it?',
        load: async () => (await import('./commands/ca-lint.ts')).caLint,
      },
    ],
  },
  {
    title: 'This program',
    entries: [
      {
        name: 'demo',
        summary: 'a small Internet on loopback, with attackers, in acts',
        load: async () =>
          (await loadBeside<{ readonly demo: Command }>('demo', 'play the demonstration')).demo,
      },
      {
        name: 'simulate',
        summary: 'the network in virtual time, with thousands of mirrors',
        load: async () =>
          (await loadBeside<{ readonly simulate: Command }>('sim', 'simulate the network'))
            .simulate,
      },
      {
        name: 'completion',
        summary: 'print the completion script of a shell',
        load: async () => (await import('./commands/completion.ts')).completion,
      },
      {
        name: 'version',
        summary: 'print the versions of Sightline, Node and OpenSSL',
        load: async () => (await import('./commands/version.ts')).version,
      },
    ],
  },
]

/**
 * The command in `folder`/command.ts. Demonstration and simulation live beside the program and are not part of what is
 * published: their paths are no imports.
 */
async function loadBeside<M>(folder: string, action: string): Promise<M> {
  const place = new URL(`../../${folder}/command.ts`, import.meta.url)
  if (!existsSync(place))
    throw new Failure('program-failed', {
      action,
      why: 'it is not part of the installed package; run it in a checkout of the sources',
    })
  return (await import(place.href)) as M
}

/** All commands in one list. */
export const entries: readonly Entry[] = chapters.flatMap((chapter) => chapter.entries)

/** What the first words of a command line name. */
export type Found =
  | { readonly kind: 'command'; readonly entry: Entry; readonly rest: readonly string[] }
  /** A first word such as `ca`, without a second that completes it. */
  | {
      readonly kind: 'group'
      readonly name: string
      readonly members: readonly Entry[]
      readonly rest: readonly string[]
    }
  | { readonly kind: 'unknown' }

/** The command or group of `among` that `words` begin with; of `shield` and `shield status` the longer one. */
export function find(words: readonly string[], among: readonly Entry[]): Found {
  const [first, second] = words
  if (first === undefined) return { kind: 'unknown' }
  const named = (name: string): Entry | undefined => among.find((entry) => entry.name === name)
  const pair = second === undefined ? undefined : named(`${first} ${second}`)
  if (pair !== undefined) return { kind: 'command', entry: pair, rest: words.slice(2) }
  const whole = named(first)
  if (whole !== undefined) return { kind: 'command', entry: whole, rest: words.slice(1) }
  const members = among.filter((entry) => entry.name.startsWith(`${first} `))
  return members.length === 0
    ? { kind: 'unknown' }
    : { kind: 'group', name: first, members, rest: words.slice(1) }
}
