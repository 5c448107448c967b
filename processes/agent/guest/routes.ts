import { AgentError } from './agent-error.ts'
import { preparedForm, type Program, type Schema } from './definition.ts'
import type { Task } from './task.ts'

/** What is to be done with a message of one name: made once, when the program is loaded. */
export interface Route {
  /** Its place among all. */
  readonly number: number
  readonly input: Schema
  readonly reply: Schema
  readonly isQuery: boolean
  /** It must have the process for itself, from its beginning to its end. */
  readonly isExclusive: boolean
  /** Who may ask; undefined: anyone. */
  readonly allow: readonly string[] | undefined
  readonly run: (context: unknown, input: unknown) => unknown
}

/** A program may have bent it by then. */
const { stringify } = JSON

const routes = new Map<string, Route>()
/** By their numbers. */
const numbered: Route[] = []
/** Of all of them, for the host: it passes these very texts on. */
export const routeNames: string[] = []
let isReentrant = false

export function makeRoutes({ contract, definition }: Program): void {
  const { reentrant } = definition
  for (const [name, { input, reply }] of Object.entries(contract.queries)) {
    const run = definition.query?.[name] ?? absent(name)
    add(name, { number: numbered.length, input, reply, isQuery: true, isExclusive: false, allow: undefined, run })
  }
  for (const [name, { input, reply, allow }] of Object.entries(contract.messages)) {
    const isExclusive = reentrant !== true && reentrant?.includes(name) !== true
    isReentrant ||= !isExclusive
    const run = definition.on?.[name] ?? absent(name)
    const only = allow.includes('anyone') ? undefined : allow
    add(name, { number: numbered.length, input, reply, isQuery: false, isExclusive, allow: only, run })
  }
}

function add(name: string, route: Route): void {
  routeNames.push(name)
  numbered.push(route)
  routes.set(name, route)
}

/** What the host is told of messages and queries, by their numbers: name, and the forms of input and reply, or null. */
export const routesText = (): string =>
  stringify(numbered.map(({ number, input, reply }) => [routeNames[number], preparedForm(input), preparedForm(reply)]))

/** Whether any message may run while an exclusive one is under way. */
export const mayRunBeside = (): boolean => isReentrant

export const routeOf = ({ route, action }: Task): Route | undefined => numbered[route] ?? routes.get(action)

/** Nothing is asked for, or what there is not. */
export function noSuchAction(
  name: string,
  kind: 'message' | 'query',
  action: string,
  known: readonly string[],
): AgentError {
  const wrong = action === '' ? `a ${kind} without an Action` : `${name} has no ${kind} ${action}`
  return new AgentError('unknown-action', `${wrong}; known: ${known.join(', ')}`)
}

function absent(name: string): () => never {
  return () => {
    throw new AgentError('unknown-action', `${name} is promised, but not implemented`)
  }
}
