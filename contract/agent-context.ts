import type { ArgsField, Calls, InputParameter } from './calls.ts'
import type { AnyContract, EventName, MessageName } from './contract.ts'
import type { Duration } from './duration.ts'
import type { EffectInput, EffectName, EffectReply } from './effects.ts'
import type { Implementation } from './implementation.ts'
import type { InputOf, OutputOf } from './schema.ts'

/** Tags by name; the first of each. */
export type TagRecord = Readonly<Record<string, string>>

/** What a process knows of itself. */
export interface ProcessFacts {
  /** The id of this process. */
  readonly self: string
  /** Who signed its spawn, or the process that did. */
  readonly owner: string
  /** The process that spawned it, if one did. */
  readonly parent: string | undefined
  /** When the scheduler took the present message. `new Date()` and `Date.now()` say the same. */
  readonly now: Date
  /** Writes a line into the log of the slot. */
  log(...words: readonly unknown[]): void
}

/** What `init` gets. */
export interface InitContext<C extends AnyContract> extends ProcessFacts, Scheduling<C> {
  readonly args: OutputOf<C['args']>
  /** Tags of the spawn message. */
  readonly tags: TagRecord
}

/** What a query gets. Nothing it changes is kept. */
export interface QueryContext<C extends AnyContract> extends ProcessFacts {
  readonly state: Readonly<OutputOf<C['state']>>
  /** Who is said to ask; nobody vouches for it. */
  readonly from: string
}

/** The message that is being carried out. */
export interface MessageFacts {
  readonly id: string
  readonly action: string
  readonly slot: number
  readonly tags: TagRecord
  /** How deep it lies below the message that a person sent or a timer gave. */
  readonly depth: number
  /** That message. */
  readonly origin: string
}

/** When a scheduled message comes. With the same key a later call replaces the earlier one. */
export type When =
  | { readonly in: Duration; readonly key?: string }
  | { readonly at: Date | number; readonly key?: string }
  | { readonly every: Duration; readonly key: string }
  /** Five fields, in UTC: minute, hour, day of the month, month, day of the week. */
  | { readonly cron: string; readonly key: string }

/** Messages to oneself, later. They survive restarts and come exactly once per due time, from `self`. */
export interface Scheduling<C extends AnyContract> {
  schedule<K extends MessageName<C>>(when: When, message: K, ...input: InputParameter<C['messages'][K]['input']>): void
  /** Takes back what was scheduled under `key`; nothing happens if there is nothing. */
  cancel(key: string): void
}

/** How a call from one process to another is made. */
export interface AgentCallOptions {
  /** How long the reply is awaited: 60 s unless said. Then the call fails with `call-timeout`. */
  readonly timeout?: Duration
  /** How often it is made again if it fails for want of an answer or because the other is busy; 0. */
  readonly retry?: number
}

/** Another process, as a process sees it. Calls commit what was done so far, send, and go on with the reply. */
export type AgentRef<C extends AnyContract> = {
  readonly id: string
  readonly contract: C
  /** Sends and does not wait; whatever is answered is dropped. */
  readonly send: {
    readonly [K in keyof C['messages']]: (...input: InputParameter<C['messages'][K]['input']>) => void
  }
} & Calls<C, AgentCallOptions>

/** How a child is spawned. Its module is the one given, or the one that the agent's own module names for the contract. */
export type AgentSpawnOptions<C extends AnyContract> = ArgsField<C> & {
  readonly module?: string
  readonly tags?: TagRecord
}

/** How an effect is asked for. */
export interface EffectOptions {
  /** Names this effect within the process: asked for again under the same key, it is not performed again. */
  readonly key: string
  readonly timeout?: Duration
}

/** A message outside of any contract, for processes that speak AO. */
export interface RawMessage {
  readonly to: string
  readonly action?: string
  readonly tags?: TagRecord
  readonly data?: string | Uint8Array
}

/** What a raw request was answered with. */
export interface RawReply {
  readonly from: string
  readonly tags: TagRecord
  readonly data: string
}

/** What a message's function gets: the state, to change in place, and all that a process can do. A throw undoes both. */
export interface AgentContext<C extends AnyContract> extends ProcessFacts, Scheduling<C> {
  state: OutputOf<C['state']>
  /** Who sent it: the address of the signer, or the id of the process. Verified. */
  readonly from: string
  readonly message: MessageFacts
  /** Tells whoever follows this process. */
  emit<K extends EventName<C>>(event: K, data: InputOf<C['events'][K]>): void
  /** Waits; other messages wait too, unless this one is reentrant. At least a second. */
  sleep(duration: Duration): Promise<void>
  ref<T extends AnyContract>(contract: T, id: string): AgentRef<T>
  /** Makes a child; its id is known at once, its `init` runs in its own slot 0. */
  spawn<T extends AnyContract>(
    what: T | Implementation<T>,
    ...options: Record<never, never> extends AgentSpawnOptions<T>
      ? [options?: AgentSpawnOptions<T>]
      : [options: AgentSpawnOptions<T>]
  ): Promise<AgentRef<T>>
  /** The only door to the outside: performed by a messenger unit, its result logged, and never performed in a replay. */
  effect<K extends EffectName>(name: K, input: EffectInput<K>, options: EffectOptions): Promise<EffectReply<K>>
  send(message: RawMessage): void
  request(message: RawMessage, options?: Pick<AgentCallOptions, 'timeout'>): Promise<RawReply>
}
