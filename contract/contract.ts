import { implement, type Definition, type Implementation } from './implementation.ts'
import { checkNames, type ReservedName } from './names.ts'
import { type Empty, empty, type Nothing, nothing, type Schema } from './schema.ts'

/** Who may send a message: anyone, who spawned the process, the process itself, its parent, or an address or id. */
export type Allowed = 'anyone' | 'owner' | 'self' | 'parent' | (string & Record<never, never>)

/** A message that a process takes: it has a slot, may change the state, and is answered. */
export interface Message<I extends Schema = Schema, R extends Schema = Schema> {
  readonly input: I
  readonly reply: R
  readonly allow: readonly Allowed[]
  readonly doc: string | undefined
}

/** A question that a process answers: no slot, no trace, no change. */
export interface Query<I extends Schema = Schema, R extends Schema = Schema> {
  readonly input: I
  readonly reply: R
  readonly doc: string | undefined
}

export type Messages = Readonly<Record<string, Message>>
export type Queries = Readonly<Record<string, Query>>
export type Events = Readonly<Record<string, Schema>>

/** What any process promises; see `Contract`. */
export interface AnyContract {
  readonly kind: 'contract'
  readonly name: string
  readonly version: string
  /** What a process of it is spawned with. */
  readonly args: Schema
  readonly state: Schema
  readonly messages: Messages
  readonly queries: Queries
  readonly events: Events
  /** How its messages travel, if not as JSON. */
  readonly wire?: Wire | undefined
}

/** Messages whose input schemas give the bytes that are sent, and whose reply schemas take those that come back. */
export interface Wire {
  readonly contentType: string
  /** What a message or query is called where it travels, if it is not its name here. */
  readonly actions: Readonly<Record<string, string>>
}

/** What a process promises: the messages it takes and how it answers. One object, from which all else follows. */
export interface Contract<A extends Schema, S extends Schema, M extends Messages, Q extends Queries, E extends Events>
  extends AnyContract {
  readonly args: A
  readonly state: S
  readonly messages: M
  readonly queries: Q
  readonly events: E
  /**
   * Says how: one function for each message and query. A `.process.ts` file exports what this gives as its default.
   * @throws {MalformedContract} if a function is missing or has no message
   */
  implement(definition: Definition<Contract<A, S, M, Q, E>>): Implementation<Contract<A, S, M, Q, E>>
}

export type MessageName<C extends AnyContract> = keyof C['messages'] & string
export type QueryName<C extends AnyContract> = keyof C['queries'] & string
export type EventName<C extends AnyContract> = keyof C['events'] & string

/** Refuses names that no message may have. */
type Unreserved<T> = { readonly [K in Extract<keyof T, ReservedName | `@${string}`>]: never }
/** Refuses names that the messages have already; where names are only known at run time, it is seen then. */
type Unlike<T, M> = string extends keyof T ? unknown : { readonly [K in Extract<keyof T, keyof M>]: never }

/**
 * Makes a contract. Its file may be imported anywhere: it holds no code of the process.
 * @throws {MalformedContract} on names that cannot be
 */
export function contract<
  A extends Schema = Nothing,
  S extends Schema = Empty,
  M extends Messages = Record<never, never>,
  Q extends Queries = Record<never, never>,
  E extends Events = Record<never, never>,
>(parts: {
  /** The kind of process, as people call it; letters, digits and dashes. */
  readonly name: string
  /** Changes when the state or a message does; `migrate` takes the state of the one before. */
  readonly version: string
  readonly args?: A
  readonly state?: S
  readonly messages?: M & Unreserved<M>
  readonly queries?: Q & Unreserved<Q> & Unlike<Q, M>
  readonly events?: E
}): Contract<A, S, M, Q, E> {
  const { name, version, args = nothing, state = empty, messages = {}, queries = {}, events = {} } = parts
  checkNames({ name, version, messages, queries, events })
  const made = {
    kind: 'contract',
    name,
    version,
    args,
    state,
    messages: Object.freeze({ ...messages }),
    queries: Object.freeze({ ...queries }),
    events: Object.freeze({ ...events }),
    implement: (definition: Definition<Contract<A, S, M, Q, E>>) =>
      implement<Contract<A, S, M, Q, E>>(self, definition),
  }
  // What was left out is what the defaults of the type parameters say.
  const self = Object.freeze(made) as unknown as Contract<A, S, M, Q, E>
  return self
}

interface QueryParts {
  readonly input?: Schema
  readonly reply: Schema
  readonly doc?: string
}

interface MessageParts extends Partial<QueryParts> {
  readonly allow?: readonly Allowed[]
}

/** The schema given as `K`, or nothing: worked out from what was given, never from what is wanted of it. */
type Given<P, K extends keyof QueryParts> = P extends { readonly [_ in K]: infer S extends Schema } ? S : Nothing

/** A message of a contract; without `input` or `reply` there is nothing to say. Anyone may send it unless `allow` says less. */
export function message<P extends MessageParts>(parts?: P): Message<Given<P, 'input'>, Given<P, 'reply'>> {
  const { input = nothing, reply = nothing, allow = ['anyone'], doc }: MessageParts = parts ?? {}
  return Object.freeze({ input, reply, allow, doc }) as Message<Given<P, 'input'>, Given<P, 'reply'>>
}

/** A query of a contract. */
export function query<P extends QueryParts>(parts: P): Query<Given<P, 'input'>, Given<P, 'reply'>> {
  const { input = nothing, reply, doc } = parts
  return Object.freeze({ input, reply, doc }) as Query<Given<P, 'input'>, Given<P, 'reply'>>
}
