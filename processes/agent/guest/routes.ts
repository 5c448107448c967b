import { AgentError } from './agent-error.ts'
import type { Program, Schema } from './definition.ts'

/** What is to be done with a message of one name: made once, when the program is loaded. */
export interface Route {
  readonly input: Schema
  readonly reply: Schema
  readonly isQuery: boolean
  /** It must have the process for itself, from its beginning to its end. */
  readonly isExclusive: boolean
  /** Who may ask; undefined: anyone. */
  readonly allow: readonly string[] | undefined
  readonly run: (context: unknown, input: unknown) => unknown
}

const routes = new Map<string, Route>()
let isReentrant = false

export function makeRoutes({ contract, definition }: Program): void {
  const { reentrant } = definition
  for (const [name, { input, reply }] of Object.entries(contract.queries)) {
    const run = definition.query?.[name] ?? absent(name)
    routes.set(name, { input, reply, isQuery: true, isExclusive: false, allow: undefined, run })
  }
  for (const [name, { input, reply, allow }] of Object.entries(contract.messages)) {
    const isExclusive = reentrant !== true && reentrant?.includes(name) !== true
    isReentrant ||= !isExclusive
    const run = definition.on?.[name] ?? absent(name)
    const only = allow.includes('anyone') ? undefined : allow
    routes.set(name, { input, reply, isQuery: false, isExclusive, allow: only, run })
  }
}

/** Whether any message may run while an exclusive one is under way. */
export const mayRunBeside = (): boolean => isReentrant

export const routeOf = (name: string): Route | undefined => routes.get(name)

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
