import type { AgentContext, InitContext, QueryContext } from './agent-context.ts'
import type { AnyContract, MessageName } from './contract.ts'
import type { Json } from './json.ts'
import { MalformedContract } from './names.ts'
import type { InputOf, OutputOf } from './schema.ts'

/** The state that an earlier version left, as JSON. */
export type OldState = Readonly<Record<string, Json>>

/** How messages are carried out: each function gets the checked input and gives the reply, now or later. */
export type Handlers<C extends AnyContract> = {
  readonly [K in keyof C['messages']]: (
    ctx: AgentContext<C>,
    input: OutputOf<C['messages'][K]['input']>,
  ) => Later<InputOf<C['messages'][K]['reply']>>
}

/** How queries are answered: at once, from the state as it is. */
export type Answers<C extends AnyContract> = {
  readonly [K in keyof C['queries']]: (
    facts: QueryContext<C>,
    input: OutputOf<C['queries'][K]['input']>,
  ) => InputOf<C['queries'][K]['reply']>
}

type Later<T> = T | Promise<T>

type Init<C extends AnyContract> = (facts: InitContext<C>) => InputOf<C['state']>

interface Rest<C extends AnyContract> {
  /** Turns the state of an earlier version (`'*'`: any) into one of this version. Throws, if it cannot. */
  readonly migrate?: Readonly<
    Record<string, (old: OldState, versions: { readonly from: string; readonly to: string }) => InputOf<C['state']>>
  >
  /**
   * Messages that may run while another one awaits: all, or those named. By default a message that awaits keeps the
   * others out until it has ended, so that the state never changes under it.
   */
  readonly reentrant?: true | readonly MessageName<C>[]
}

/** The functions behind a contract; `init`, `on` and `query` may be left out if there is nothing for them to say. */
export type Definition<C extends AnyContract> = Rest<C> &
  (Record<never, never> extends InputOf<C['state']> ? { readonly init?: Init<C> } : { readonly init: Init<C> }) &
  (keyof C['messages'] extends never ? { readonly on?: Handlers<C> } : { readonly on: Handlers<C> }) &
  (keyof C['queries'] extends never ? { readonly query?: Answers<C> } : { readonly query: Answers<C> })

/** A definition whose types are of no concern: how a runtime sees it. */
export interface AnyDefinition {
  readonly init?: (facts: never) => unknown
  readonly on?: Readonly<Record<string, (ctx: never, input: never) => unknown>>
  readonly query?: Readonly<Record<string, (facts: never, input: never) => unknown>>
  readonly migrate?: Readonly<Record<string, (old: never, versions: never) => unknown>>
  readonly reentrant?: true | readonly string[]
}

/** A contract and how it is kept; see `Implementation`. */
export interface AnyImplementation {
  readonly kind: 'agent'
  readonly contract: AnyContract
  readonly definition: AnyDefinition
  /** The stack of the call that made it: a test network finds the file to bundle in it. */
  readonly madeAt: string
}

/** A contract and how it is kept: what a `.process.ts` file exports as its default. */
export interface Implementation<C extends AnyContract> extends AnyImplementation {
  readonly contract: C
}

/** @throws {MalformedContract} if a function is missing or has no message */
export function implement<C extends AnyContract>(contract: C, definition: Definition<C>): Implementation<C> {
  const known: AnyDefinition = definition
  checkFunctions(contract.name, 'on', contract.messages, known.on ?? {})
  checkFunctions(contract.name, 'query', contract.queries, known.query ?? {})
  const unknown = (Array.isArray(known.reentrant) ? known.reentrant : []).find(
    name => !Object.hasOwn(contract.messages, name),
  )
  if (unknown !== undefined)
    throw new MalformedContract(`${contract.name}.${unknown}`, 'is said to be reentrant and is no message')
  return Object.freeze({
    kind: 'agent' as const,
    contract,
    definition: Object.freeze({ ...known }),
    madeAt: new Error('made here').stack ?? '',
  })
}

function checkFunctions(contract: string, where: 'on' | 'query', promised: object, given: object): void {
  const kind = where === 'on' ? 'message' : 'query'
  for (const name of Object.keys(promised)) {
    const found: unknown = Object.hasOwn(given, name) ? Reflect.get(given, name) : undefined
    if (typeof found !== 'function')
      throw new MalformedContract(`${contract}.${name}`, `the ${kind} has no function in \`${where}\``)
  }
  const extra = Object.keys(given).find(name => !Object.hasOwn(promised, name))
  if (extra !== undefined)
    throw new MalformedContract(
      `${contract}.${extra}`,
      `\`${where}\` has a function for it, and there is no such ${kind}`,
    )
}
