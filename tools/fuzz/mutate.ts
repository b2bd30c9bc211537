// Changes inputs by chance: bits, bytes, numbers, pieces, words of a dictionary, and pieces of other inputs.

import type { Chance } from './chance.ts'

/** What mutations draw from. */
export interface Material {
  readonly chance: Chance
  /** Inputs that reached something new. */
  readonly corpus: readonly [Uint8Array, ...Uint8Array[]]
  readonly dictionary: readonly Uint8Array[]
  readonly lengthMax: number
}

type Mutation = (input: Uint8Array, material: Material) => Uint8Array

/** Numbers at whose edges parsers go wrong. */
const edges = [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 191, 192, 254, 255] as const

const setByte =
  (value: (old: number, chance: Chance) => number): Mutation =>
  (input, { chance }) => {
    if (input.length === 0) return input
    const output = input.slice()
    const at = chance.below(output.length)
    output[at] = value(output[at] ?? 0, chance)
    return output
  }

const mutations: readonly [Mutation, ...Mutation[]] = [
  setByte((old, chance) => old ^ (1 << chance.below(8))),
  setByte((_, chance) => chance.below(256)),
  setByte((_, chance) => chance.pick(edges)),
  setByte((old, chance) => old + chance.below(9) - 4),
  // Digits and letters among themselves, so that text stays text.
  setByte((_, chance) => 0x20 + chance.below(0x5f)),
  remove,
  repeat,
  insertNoise,
  insertWord,
  overwriteWord,
  splice,
  (input, { chance }) => input.slice(0, chance.below(input.length + 1)),
]

/** `input` after one to eight mutations, at most `material.lengthMax` bytes long. */
export function mutate(input: Uint8Array, material: Material): Uint8Array {
  const { chance, lengthMax } = material
  let output = input
  // One change mostly, more of them ever more rarely.
  do output = chance.pick(mutations)(output, material)
  while (chance.below(2) === 1 && chance.below(8) > 0)
  return output.slice(0, lengthMax)
}

function remove(input: Uint8Array, { chance }: Material): Uint8Array {
  const [from, to] = piece(input, chance)
  return concat(input.subarray(0, from), input.subarray(to))
}

function repeat(input: Uint8Array, { chance }: Material): Uint8Array {
  const [from, to] = piece(input, chance)
  const times = 1 + chance.below(4)
  const copies = Array.from({ length: times }, () => input.subarray(from, to))
  return concat(input.subarray(0, to), ...copies, input.subarray(to))
}

function insertNoise(input: Uint8Array, material: Material): Uint8Array {
  const { chance } = material
  return insert(
    input,
    Uint8Array.from({ length: 1 + chance.below(8) }, () => chance.below(256)),
    chance,
  )
}

function insertWord(input: Uint8Array, { chance, dictionary }: Material): Uint8Array {
  const word = dictionary[chance.below(dictionary.length)]
  return word === undefined ? input : insert(input, word, chance)
}

function overwriteWord(input: Uint8Array, { chance, dictionary }: Material): Uint8Array {
  const word = dictionary[chance.below(dictionary.length)]
  if (word === undefined) return input
  const at = chance.below(input.length + 1)
  return concat(input.subarray(0, at), word, input.subarray(at + word.length))
}

function splice(input: Uint8Array, { chance, corpus }: Material): Uint8Array {
  const other = chance.pick(corpus)
  return concat(
    input.subarray(0, chance.below(input.length + 1)),
    other.subarray(chance.below(other.length + 1)),
  )
}

function insert(input: Uint8Array, bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(input.length + 1)
  return concat(input.subarray(0, at), bytes, input.subarray(at))
}

/** Two places in `input`, in order; short pieces are likelier. */
function piece(input: Uint8Array, chance: Chance): readonly [number, number] {
  const from = chance.below(input.length + 1)
  const length = 1 + chance.below(1 + chance.below(Math.max(1, input.length)))
  return [from, Math.min(input.length, from + length)]
}

/** Not that of src/base: what the fuzzer itself runs must not count as covered. */
function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
