// Policies: how many vantages, how different from each other, how much agreement (protocol §6, network-numbers).

import { z } from 'zod'
import { Failure } from '../base/failure.ts'
import { textOf } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'

/** One round of questions: `ask` vantages, of which `need` must agree. */
export interface Stage {
  readonly ask: number
  readonly need: number
}

/** What it takes to believe. */
export interface Policy {
  readonly name: string
  /** Tried in order: later ones ask afresh and more vantages, before an alarm is raised. */
  readonly stages: readonly Stage[]
  /** At most this many vantages of one registry region in a round. */
  readonly perRegistryMax: number
  /** At least this many registry regions in a round. */
  readonly registriesMin: number
  /** Whether too few regions end in `inconclusive` (`required`) or in a remark (`preferred`). */
  readonly diversity: 'required' | 'preferred'
  /** Where fewer vantages than this can be asked, nothing is decided. */
  readonly vantagesMin: number
  /** `equal`: all address sets must be the same (the seed, word by word). `proved`: the key proves the address. */
  readonly address: 'equal' | 'proved'
  /** What to do with sites whose owner publishes no authority: compare keys, or say that nothing can be said. */
  readonly withoutAuthority: 'views' | 'unverifiable'
}

const escalating = [
  { ask: 10, need: 8 },
  { ask: 20, need: 14 },
] as const

/** The policies that have names. */
export const policies = {
  /** The seed word by word: three mirrors of three regions, unanimous, equal A records (R41–R55). */
  literal: {
    name: 'literal',
    stages: [{ ask: 3, need: 3 }],
    perRegistryMax: 1,
    registriesMin: 3,
    diversity: 'preferred',
    vantagesMin: 3,
    address: 'equal',
    withoutAuthority: 'unverifiable',
  },
  /** 4 of 5, else 8 of 10, else 14 of 20; at most two per registry, at least three registries (protocol §6.1). */
  default: {
    name: 'default',
    stages: [{ ask: 5, need: 4 }, ...escalating],
    perRegistryMax: 2,
    registriesMin: 3,
    diversity: 'preferred',
    vantagesMin: 3,
    address: 'proved',
    withoutAuthority: 'views',
  },
  /** As default, but the first round must be unanimous: for banking-like use. */
  high: {
    name: 'high',
    stages: [{ ask: 5, need: 5 }, ...escalating],
    perRegistryMax: 2,
    registriesMin: 3,
    diversity: 'required',
    vantagesMin: 5,
    address: 'proved',
    withoutAuthority: 'views',
  },
  /** The CA/Browser Forum's table for multi-perspective corroboration as of 2026-12-15 (BR 3.2.2.9). */
  mpic: {
    name: 'mpic',
    stages: [{ ask: 5, need: 4 }],
    perRegistryMax: 4,
    registriesMin: 2,
    diversity: 'required',
    vantagesMin: 5,
    address: 'proved',
    withoutAuthority: 'views',
  },
} as const satisfies Record<string, Policy>

export type PolicyName = keyof typeof policies

/** True for the name of a built-in policy. */
export function isPolicyName(text: string): text is PolicyName {
  return Object.hasOwn(policies, text)
}

/**
 * How many of `asked` vantages must agree, when a small network cannot provide all that `stage` wants: the same
 * share, rounded up; three must be unanimous, and of four one may differ, as in the CA/B table.
 */
export function neededOf(stage: Stage, asked: number): number {
  if (asked >= stage.ask) return stage.need
  if (asked <= 3) return asked
  const scaled = Math.ceil((asked * stage.need) / stage.ask)
  return stage.need === stage.ask ? asked : Math.min(scaled, asked - 1)
}

const stageSchema = z
  .object({ ask: z.number().int().min(1).max(100), need: z.number().int().min(1).max(100) })
  .strict()
  .refine((stage) => stage.need <= stage.ask, { message: 'need is larger than ask' })
  .refine((stage) => 2 * stage.need > stage.ask, { message: 'need must be more than half of ask' })

/** The shape of a policy in a file. */
export const policySchema = z
  .object({
    name: z.string().min(1).max(64),
    stages: z.array(stageSchema).min(1).max(5),
    perRegistryMax: z.number().int().min(1).max(100).default(policies.default.perRegistryMax),
    registriesMin: z.number().int().min(1).max(5).default(policies.default.registriesMin),
    diversity: z.enum(['required', 'preferred']).default('preferred'),
    vantagesMin: z.number().int().min(1).max(100).default(policies.default.vantagesMin),
    address: z.enum(['equal', 'proved']).default('proved'),
    withoutAuthority: z.enum(['views', 'unverifiable']).default('views'),
  })
  .strict()

/** Reads a policy file (JSON with the fields of Policy). @throws Failure policy-malformed with the place */
export function readPolicy(bytes: Uint8Array, path: string): Policy {
  const refuse = (why: string): never => {
    throw new Failure('policy-malformed', { path, why })
  }
  if (bytes.length > limits.policyBytesMax)
    return refuse(`it has ${bytes.length} bytes, at most ${limits.policyBytesMax} are taken`)
  const text = textOf(bytes)
  if (text === null) return refuse('it is not text')
  const parsed = policySchema.safeParse(parseJson(text, refuse))
  if (parsed.success) return Object.freeze(parsed.data)
  const issue = parsed.error.issues[0]
  return refuse(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
}

function parseJson(text: string, refuse: (why: string) => never): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : 'it is not JSON')
  }
}
