import { type AnyContract, checkInput, checkValue, type Schema } from '../../../contract/index.ts'
import { AgentError } from './agent-error.ts'

export type { AnyContract, Schema }

/** What `contract(…).implement(…)` gives. */
export interface Program {
  readonly kind: 'agent'
  readonly contract: AnyContract
  readonly definition: Definition
}

/** The functions behind a contract, as they are called here: what they get was checked against the contract. */
export interface Definition {
  readonly init?: (facts: unknown) => unknown
  readonly on?: Readonly<Record<string, (context: unknown, input: unknown) => unknown>>
  readonly query?: Readonly<Record<string, (facts: unknown, input: unknown) => unknown>>
  readonly migrate?: Readonly<Record<string, (state: unknown, versions: unknown) => unknown>>
  readonly reentrant?: true | readonly string[]
}

/** Own properties only: `toString` is nobody's message. */
export function own<T>(
  table: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
}

/** The value in the form its schema gives. @throws {AgentError} with `code`, naming the place */
export function check(schema: Schema, value: unknown, code: string, place: string): unknown {
  const checked = checkValue(schema, value)
  if (checked.ok) return checked.value
  throw new AgentError(code, `${place}: ${checked.problem}`)
}

/** The same for what may be left out. @throws {AgentError} with `code`, naming the place */
export function checkGiven(schema: Schema, value: unknown, code: string, place: string): unknown {
  const checked = checkInput(schema, value)
  if (checked.ok) return checked.value
  throw new AgentError(code, `${place}: ${checked.problem}`)
}
