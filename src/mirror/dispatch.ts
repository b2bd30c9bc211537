// From a request to the part of the mirror that answers it, by the table of routes.

import { routeTable, type RouteId } from '../protocol/route-table.ts'
import type { HttpQuestion, HttpReply } from '../runtime/runtime.ts'
import { problem, wrongMethod } from './replies.ts'

/** Answers the requests of one route. */
export type RouteHandler = (
  question: HttpQuestion,
  given: {
    /** What follows the question mark. */
    readonly query: string
    /** What stands in the place of the path's parameter; empty where it has none. */
    readonly parameter: string
  },
) => HttpReply | Promise<HttpReply>

/** For each route who answers it; null where this mirror does not have it. */
export type RouteHandlers = Readonly<Record<RouteId, RouteHandler | null>>

type Methods = Map<string, RouteHandler>

/** Sends each question to its handler; what no route takes is refused here. */
export function createDispatch(
  handlers: RouteHandlers,
): (question: HttpQuestion) => HttpReply | Promise<HttpReply> {
  const whole = new Map<string, Methods>()
  const beginnings = new Map<string, Methods>()
  for (const { id, method, path } of routeTable) {
    const handler = handlers[id]
    if (handler === null) continue
    const [beginning = '', parameter] = path.split('{', 2)
    const places = parameter === undefined ? whole : beginnings
    const methods: Methods = places.get(beginning) ?? new Map()
    places.set(beginning, methods.set(method, handler))
  }
  const find = (path: string): { readonly methods: Methods; readonly parameter: string } | null => {
    const methods = whole.get(path)
    if (methods !== undefined) return { methods, parameter: '' }
    for (const [beginning, those] of beginnings)
      if (path.startsWith(beginning))
        return { methods: those, parameter: path.slice(beginning.length) }
    return null
  }
  return (question) => {
    const [path = '', query = ''] = question.path.split('?', 2)
    const found = find(path)
    if (found === null) return notFound()
    const handler = found.methods.get(question.method)
    return handler === undefined
      ? wrongMethod(...[...found.methods.keys()].toSorted())
      : handler(question, { query, parameter: found.parameter })
  }
}

function notFound(): HttpReply {
  const places = new Set(routeTable.map(({ path }) => path))
  return problem('not-found', `this mirror answers at ${[...places].join(', ')}`)
}
