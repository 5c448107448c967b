import { type AnyContract, checkInput, checkValue, type Schema } from '../../../contract/index.ts'
import { AgentError } from './agent-error.ts'
import { type Form, formOf } from './forms.ts'
import { type QuickCheck, quickCheck, UNSURE } from './quick-check.ts'

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
export function own<T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
}

const forms = new Map<Schema, Form | undefined>()
const quickChecks = new Map<Schema, QuickCheck>()

/** The form of a schema that was prepared, if it has one. */
export const preparedForm = (schema: Schema): Form | undefined => forms.get(schema)

/** Makes what is known of a schema ready, once, when the program is loaded. */
export function prepareSchema(schema: Schema): void {
  if (forms.has(schema)) return
  const form = formOf(schema)
  forms.set(schema, form)
  if (form !== undefined) quickChecks.set(schema, quickCheck(form))
  try {
    // Schemas compile themselves when first used: here, not in each process.
    void schema['~standard'].validate({})
  } catch {
    // It says so again when it matters.
  }
}

/** The value in the form its schema gives; what is nobody else's (`isOwn`) may become part of it. @throws {AgentError} with `code`, naming the place */
export function check(schema: Schema, value: unknown, code: string, place: string, isOwn = false): unknown {
  const quick = quickChecks.get(schema)?.value(value, isOwn) ?? UNSURE
  if (quick !== UNSURE) return quick
  const checked = checkValue(schema, value)
  if (checked.ok) return checked.value
  throw new AgentError(code, `${place}: ${checked.problem}`)
}

/**
 * Looks whether a value is what its schema takes: what travels is that form. Gives whether the schema makes nothing of it.
 * @throws {AgentError} with `code`, naming the place
 */
export function checkSent(schema: Schema, value: unknown, code: string, place: string): boolean {
  if (value !== undefined && quickChecks.get(schema)?.test(value) === true) return false
  return check(schema, value, code, place) === undefined
}

/** The same for what may be left out. @throws {AgentError} with `code`, naming the place */
export function checkGiven(schema: Schema, value: unknown, code: string, place: string): unknown {
  if (value !== undefined) return check(schema, value, code, place)
  const checked = checkInput(schema, value)
  if (checked.ok) return checked.value
  throw new AgentError(code, `${place}: ${checked.problem}`)
}
