import {
  type AnyContract,
  type CallParameters,
  type Calls,
  checkValue,
  type Duration,
  durationMs,
  type EventName,
  type OutputOf,
  type Schema,
} from '../contract/index.ts'
import type { CallOptions, ProcessId, Signer, Slot } from '../protocol/index.ts'
import { badReply, readAnswer } from './await-reply.ts'
import { callMessage } from './call-message.ts'
import type { Client } from './client.ts'
import type { FollowOptions } from './follow.ts'
import { followEvents, followProcessResults, type ProcessResult } from './process-results.ts'
import type { Sent } from './sent.ts'
import { aroundOf } from './surroundings.ts'

/** How a call of a contract's message or query is made. */
export interface TypedCallOptions {
  /** How long its reply is awaited: 60 s unless said. */
  readonly timeout?: Duration | undefined
  readonly signal?: AbortSignal | undefined
  /** Signs instead of the client's own signer. */
  readonly signer?: Signer | undefined
}

export interface StateCallOptions extends TypedCallOptions {
  readonly at?: Slot | undefined
}

/**
 * A process that is said to keep a contract: each message and query is a function. Whether it exists is seen by the
 * first call; whether it keeps the contract is checked in every answer.
 */
export type ProcessRef<C extends AnyContract> = {
  readonly contract: C
  /** Its id; a name is looked up once. @throws {Failure} `unknown-process`, `ambiguous-name` */
  locate(options?: CallOptions): Promise<ProcessId>
  /** Sends without waiting for the reply: resolves when the message is durable. */
  readonly send: {
    readonly [K in keyof C['messages']]: (
      ...input: CallParameters<C['messages'][K]['input'], TypedCallOptions>
    ) => Promise<Sent<OutputOf<C['messages'][K]['reply']>>>
  }
  /** What it emits, from now on or from the slot `from` on. */
  events<K extends EventName<C>>(event: K, options?: FollowOptions): AsyncIterable<OutputOf<C['events'][K]>>
  /** What came of its slots, from now on or from the slot `from` on. */
  results(options?: FollowOptions): AsyncIterable<ProcessResult<C>>
  /** Its state after the last evaluated slot, or after slot `at`. */
  state(options?: StateCallOptions): Promise<OutputOf<C['state']>>
} & Calls<C, TypedCallOptions>

/** Makes the functions of a reference. */
export function processRef<C extends AnyContract>(
  client: Client,
  contract: C,
  locate: (options?: CallOptions) => Promise<ProcessId>,
): ProcessRef<C> {
  const send =
    (name: string, reply: Schema) =>
    async (input?: unknown, options: TypedCallOptions = {}) => {
      const label = `${contract.name}.${name}`
      const message = callMessage(contract, name, input)
      const process = await locate(limitsOf(options))
      const sent = await client.send({ ...message, process, signer: options.signer }, limitsOf(options))
      return sent.as(label, answer => checkReply(reply, answer, { label, process, slot: sent.slot, message: sent.id }))
    }
  const ask = async (name: string, reply: Schema, input: unknown, options: StateCallOptions) => {
    const label = `${contract.name}.${name}`
    const message = callMessage(contract, name, input)
    const process = await locate(limitsOf(options))
    const asked = { ...message, process, from: options.signer?.address, at: options.at }
    const answer = await client.query(asked, limitsOf(options))
    const about = { label, process, slot: answer.slot }
    return checkReply(reply, readAnswer(answer, about).reply, about)
  }
  const messages = Object.entries(contract.messages).map(([name, { reply }]) => [name, send(name, reply)] as const)
  const calls = messages.map(([name, start]) => {
    const call = async (input?: unknown, options: TypedCallOptions = {}) => {
      const { clock } = aroundOf(client.transport)
      const startedMs = clock.now()
      const sent = await start(input, options)
      return sent.reply(limitsOf(options, clock.now() - startedMs))
    }
    return [name, call] as const
  })
  const queries = Object.entries(contract.queries).map(([name, { reply }]) => {
    const call = (input?: unknown, options: TypedCallOptions = {}) => ask(name, reply, input, options)
    return [name, call] as const
  })
  const ref = {
    contract,
    locate,
    send: Object.fromEntries(messages),
    events: (event: string, options: FollowOptions = {}) => followEvents(client, contract, event, locate, options),
    results: (options: FollowOptions = {}) => followProcessResults(client, contract, locate, options),
    state: (options: StateCallOptions = {}) => ask('@state', contract.state, undefined, options),
    ...Object.fromEntries([...calls, ...queries]),
  }
  // The types say of each name what the loops above do for all.
  return ref as unknown as ProcessRef<C>
}

function checkReply(schema: Schema, value: unknown, about: Parameters<typeof badReply>[1]): unknown {
  const checked = checkValue(schema, value)
  if (checked.ok) return checked.value
  throw badReply(checked.problem, about)
}

/** The limits of a call of which `spentMs` are over. */
function limitsOf({ timeout, signal }: TypedCallOptions, spentMs = 0): CallOptions {
  if (timeout === undefined) return { signal }
  return { signal, timeoutMs: Math.max(0, durationMs(timeout) - Math.round(spentMs)) }
}
