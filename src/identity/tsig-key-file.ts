// Reads the key file of BIND's tsig-keygen: `key "name" { algorithm hmac-sha256; secret "…"; };` (named.conf syntax).

import { fromBase64, textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { HmacName } from '../runtime/runtime.ts'
import type { TsigKey } from './tsig.ts'

const algorithms = new Map<string, HmacName>([
  ['hmac-sha256', 'sha256'],
  ['hmac-sha384', 'sha384'],
  ['hmac-sha512', 'sha512'],
])

/** Blank space and comments; a quoted string; punctuation; a bare word. */
const tokenPattern =
  /(?:\s|\/\*[\s\S]*?\*\/|(?:#|\/\/)[^\n]*)+|"(?<quoted>[^"\n]*)"|(?<mark>[{};])|(?<word>[^\s{};"]+)/y

/**
 * The one key in the file that was read from `path`.
 * @throws Failure file-malformed
 */
export function parseTsigKey(path: string, bytes: Uint8Array): TsigKey {
  const refuse = (why: string): never => {
    throw new Failure('file-malformed', { path, why })
  }
  if (bytes.length > limits.tsigFileBytesMax)
    return refuse(`it has ${bytes.length} bytes, a key file has at most ${limits.tsigFileBytesMax}`)
  const tokens = tokensOf(textOf(bytes) ?? refuse('it is not text'))
  const clause = tokens === null ? null : readClause(tokens)
  if (clause === null)
    return refuse('it is not one clause of the form key "name" { algorithm …; secret "…"; };')
  const name = clause.name.toLowerCase().replace(/\.$/, '')
  if (!isKeyName(name))
    return refuse(`the name of the key, ${JSON.stringify(name)}, is not a domain name`)
  const algorithm =
    algorithms.get(clause.algorithm.toLowerCase().replace(/\.$/, '')) ??
    refuse(
      `the algorithm ${JSON.stringify(clause.algorithm)} is not one of ${[...algorithms.keys()].join(', ')}`,
    )
  const secret = fromBase64(clause.secret)
  if (secret === null || secret.length === 0) return refuse('the secret is not base64')
  return { name: `${name}.`, algorithm, secret }
}

function tokensOf(text: string): readonly string[] | null {
  const tokens: string[] = []
  for (let at = 0; at < text.length; at = tokenPattern.lastIndex) {
    tokenPattern.lastIndex = at
    const groups = tokenPattern.exec(text)?.groups
    if (groups === undefined) return null
    const token = groups['quoted'] ?? groups['mark'] ?? groups['word']
    if (token !== undefined) tokens.push(token)
  }
  return tokens
}

function readClause(
  tokens: readonly string[],
): { readonly name: string; readonly algorithm: string; readonly secret: string } | null {
  const [keyword, name, open, ...rest] = tokens
  if (keyword !== 'key' || name === undefined || open !== '{') return null
  if (rest.length !== 8 || rest.slice(-2).join('') !== '};') return null
  const statements = new Map<string, string>()
  for (const at of [0, 3]) {
    const [statement = '', value = '', end] = rest.slice(at, at + 3)
    if (end !== ';') return null
    statements.set(statement, value)
  }
  const algorithm = statements.get('algorithm')
  const secret = statements.get('secret')
  return algorithm === undefined || secret === undefined ? null : { name, algorithm, secret }
}

function isKeyName(name: string): boolean {
  return (
    name.length <= limits.nameOctetsMax &&
    name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
  )
}
