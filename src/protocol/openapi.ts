// The routes as an OpenAPI 3.1 document, for tools and for mirrors in other languages; what it cannot say stands in the specification.

import { z } from 'zod'
import { headSchema } from '../observation/log-head.ts'
import type { StatementType } from '../observation/jws.ts'
import { observationSchema } from '../observation/schema.ts'
import { descriptorSchema } from './descriptor.ts'
import { bootstrapSeenSchema, listDigestSchema, mirrorListSchema } from './lists.ts'
import { problems, problemType, type ProblemCode } from './problems.ts'
import { routeTable, type Route, type RouteBody, type RouteParameter } from './route-table.ts'
import { noticeSchema, removeRequestSchema, voteSchema } from './removal.ts'
import { protocolVersion } from './routes.ts'

/** Whatever JSON can say. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
type JsonObject = { readonly [name: string]: Json }

/** A kind of statement, and what is signed in it. */
interface StatementShape {
  readonly type: StatementType
  readonly payload: string
  readonly schema: z.ZodType
}

const observations: readonly StatementShape[] = [
  { type: 'smn-obs+jws', payload: 'Observation', schema: observationSchema },
]
const descriptors: readonly StatementShape[] = [
  { type: 'smn-descriptor+jws', payload: 'Descriptor', schema: descriptorSchema },
]

/** Fields that hold signed statements, or lists of them, and of which types these are. */
const statements: Readonly<Record<string, readonly StatementShape[]>> = {
  descriptor: descriptors,
  descriptors,
  observation: observations,
  observations,
  digest: [{ type: 'smn-list-digest+jws', payload: 'ListDigest', schema: listDigestSchema }],
  list: [{ type: 'smn-list+jws', payload: 'MirrorList', schema: mirrorListSchema }],
  seen: [{ type: 'smn-bootstrap-seen+jws', payload: 'BootstrapSeen', schema: bootstrapSeenSchema }],
  head: [{ type: 'smn-head+jws', payload: 'Head', schema: headSchema }],
  statement: [
    { type: 'smn-remove+jws', payload: 'RemoveRequest', schema: removeRequestSchema },
    { type: 'smn-vote+jws', payload: 'Vote', schema: voteSchema },
    { type: 'smn-notice+jws', payload: 'Notice', schema: noticeSchema },
  ],
}

/** The document, always the same. */
export function openapiDocument(): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Secure Mirror Protocol',
      version: protocolVersion,
      description:
        'What a Secure Mirror answers over HTTPS. Strings that are called statements are JWS in compact form (RFC 7515); the schema of what is signed in each stands beside it as `x-payload`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        url: 'https://{address}:{port}',
        description: 'A mirror, by its address and under the CA that its id names',
        variables: { address: { default: '192.0.2.7' }, port: { default: '443' } },
      },
    ],
    security: [],
    paths: pathsOf(routeTable),
    components: {
      schemas: schemasOf(routeTable),
      responses: responsesOf(routeTable),
    },
  }
}

let madeText: string | null = null

/** The document as a mirror serves it; made when it is first asked for. */
export function openapiText(): string {
  madeText ??= JSON.stringify(openapiDocument())
  return madeText
}

function pathsOf(routes: readonly Route[]): JsonObject {
  const byPath = Map.groupBy(routes, ({ path }) => path)
  return Object.fromEntries(
    [...byPath].map(([path, all]) => [
      path,
      Object.fromEntries(all.map((route) => [route.method.toLowerCase(), operationOf(route)])),
    ]),
  )
}

function operationOf(route: Route): JsonObject {
  const { id, summary, part, parameters, takes, gives } = route
  return {
    operationId: id,
    summary,
    description: `Clauses [${part}-…] of the specification.`,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameterOf) }),
    ...(takes === null
      ? {}
      : {
          requestBody: {
            required: true,
            description: `At most ${takes.bytesMax} bytes are taken.`,
            content: contentOf(takes),
          },
        }),
    responses: {
      [gives.status]: {
        description: gives.body === null ? 'Nothing but the status' : 'The answer',
        ...(gives.body === null ? {} : { content: contentOf(gives.body) }),
      },
      ...problemResponses(route),
    },
  }
}

function parameterOf({ name, in: place, required, about, form }: RouteParameter): JsonObject {
  const schema: JsonObject =
    typeof form === 'string'
      ? { type: 'string', pattern: `^(?:${form})$` }
      : { type: 'string', enum: form }
  return { name, in: place, required, description: about, schema }
}

function contentOf({ mediaType, shape }: RouteBody): JsonObject {
  return { [mediaType]: shape === null ? {} : { schema: referenceTo(shape.name) } }
}

/** What may come instead of an answer: the codes of each status. */
function refusalsOf(route: Route): readonly (readonly [status: number, ProblemCode[]])[] {
  const codes = [...route.problems, 'method-not-allowed', 'internal-error'] as const
  const byStatus = Map.groupBy(codes, (code) => problems[code].status)
  return [...byStatus].toSorted(([a], [b]) => a - b)
}

function problemResponses(route: Route): JsonObject {
  return Object.fromEntries(
    refusalsOf(route).map(([status, codes]) => [
      status,
      codes.length === 1
        ? { $ref: `#/components/responses/${codes[0] ?? ''}` }
        : problemResponse(codes),
    ]),
  )
}

/** The problems that some route has alone under a status. */
function responsesOf(routes: readonly Route[]): JsonObject {
  const alone = routes.flatMap((route) =>
    refusalsOf(route).flatMap(([, codes]) => (codes.length === 1 ? codes : [])),
  )
  return Object.fromEntries([...new Set(alone)].map((code) => [code, problemResponse([code])]))
}

function problemResponse(codes: readonly ProblemCode[]): JsonObject {
  const types = { properties: { type: { enum: codes.map(problemType) } } }
  return {
    description: codes.map((code) => problems[code].title).join('; or: '),
    content: {
      'application/problem+json': { schema: { allOf: [referenceTo('Problem'), types] } },
    },
  }
}

function referenceTo(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` }
}

/** Every shape that some route takes or gives, and every payload of a statement. */
function schemasOf(routes: readonly Route[]): JsonObject {
  const shapes = routes.flatMap(({ takes, gives }) => [takes?.shape ?? [], gives.body?.shape ?? []])
  const answers = new Map(shapes.flat().map(({ name, schema }) => [name, schemaOf(schema)]))
  const payloads = Object.values(statements)
    .flat()
    .map(({ payload, schema }) => [payload, schemaOf(schema)])
  return {
    ...Object.fromEntries([...answers].map(([name, schema]) => [name, withStatements(schema)])),
    ...Object.fromEntries(payloads),
    Problem: problemSchema,
  }
}

/** As it is sent, so that what has a default need not be there. */
function schemaOf(schema: z.ZodType): JsonObject {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest as JsonObject
}

/** `schema` with the fields that are statements described as such. */
function withStatements(schema: JsonObject): JsonObject {
  const { properties } = schema
  if (!isObject(properties)) return schema
  const described = Object.entries(properties).map(([name, property]) => {
    const kinds = statements[name]
    return [
      name,
      kinds === undefined || !isObject(property) ? property : asStatement(property, kinds),
    ]
  })
  return { ...schema, properties: Object.fromEntries(described) as JsonObject }
}

/** `property` as a statement of one of `kinds`, or as a list of such. Numbers may bear the same name. */
function asStatement(property: JsonObject, kinds: readonly StatementShape[]): JsonObject {
  const { type, items } = property
  if (type === 'array' && isObject(items)) return { ...property, items: asStatement(items, kinds) }
  if (type !== 'string') return property
  const payloads = kinds.map(({ payload }) => referenceTo(payload))
  const [only, ...more] = payloads
  return {
    ...property,
    description: `A statement of type ${kinds.map((kind) => kind.type).join(' or ')}`,
    contentMediaType: 'application/jose',
    'x-payload': only !== undefined && more.length === 0 ? only : { oneOf: payloads },
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const problemSchema: JsonObject = {
  type: 'object',
  description: 'A problem document (RFC 9457)',
  properties: {
    type: { type: 'string', enum: (Object.keys(problems) as ProblemCode[]).map(problemType) },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What was wrong with this request, and where' },
  },
  required: ['type', 'title', 'status', 'detail'],
}
