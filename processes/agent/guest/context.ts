import { agent, implementation } from './agent.ts'
import type { Task } from './task.ts'
import { AgentError } from './agent-error.ts'
import { answered } from './calls.ts'
import { type Duration, durationMs, inputToSend } from '../../../contract/index.ts'
import { type AnyContract, checkGiven, checkSent, own } from './definition.ts'
import { format } from './format.ts'
import { host } from './host.ts'
import { makeRef, type Ref } from './refs.ts'
import { cancelSchedule, setSchedule, type When } from './schedules.ts'
import { addEvent, send } from './outbox.ts'
import { making, slot } from './slot.ts'
import { checkTags, flatTags, tagRecord } from './tags.ts'
import { sleepFor } from './wake.ts'

/** The outside is slower than the network, and what is asked of it is tried again. */
const EFFECT_TIMEOUT_MS = 300_000
/** What the host adds to the tags of a spawn: the policy of the parent. */
const SPAWN_TAGS = 24
const SPAWN_TAGS_BYTES = 1500
const ID = /^[\w-]{43}$/

interface RawMessage {
  readonly to: string
  readonly action?: string
  readonly tags?: unknown
  readonly data?: unknown
}

/** What code of a program gets as `ctx`; sdk/contract has the types its author sees. */
export class AgentContext {
  readonly #task: Task

  constructor(task: Task) {
    this.#task = task
  }

  get self(): string {
    return agent.facts?.self ?? ''
  }
  get owner(): string {
    return agent.facts?.owner ?? ''
  }
  get parent(): string | undefined {
    return agent.facts?.parent
  }
  get from(): string {
    return this.#task.from
  }
  get message(): unknown {
    const { id, action, slot, depth, origin, tags, data } = this.#task
    return { id, action, slot, depth, origin, tags: tagRecord(tags), data }
  }
  get now(): Date {
    return new Date(slot.nowMs)
  }
  get state(): unknown {
    return agent.state
  }
  set state(state: unknown) {
    agent.state = state
  }

  emit(name: string, data: unknown): void {
    const schema = own(implementation().contract.events, name)
    if (schema === undefined)
      throw new AgentError('unknown-event', `${implementation().contract.name} promises no event ${name}`)
    checkSent(schema, data, 'bad-event', name)
    addEvent(name, data)
  }

  log(...values: unknown[]): void {
    host.log(format(values))
  }

  schedule(when: When, message: string, input: unknown): void {
    setSchedule(when, message, input)
  }
  cancel(key: string): void {
    cancelSchedule(key)
  }
  sleep(duration: Duration): Promise<void> {
    return new Promise((resolve, fail) => sleepFor(this.#task, duration, resolve, { fail }))
  }

  ref(contract: unknown, id: string): Ref {
    return makeRef(contractOf(contract), idOf(id), this.#task)
  }

  async spawn(contract: unknown, options: { args?: unknown; module?: string; tags?: unknown } = {}): Promise<Ref> {
    const promised = contractOf(contract)
    const module = options.module ?? own(agent.facts?.modules, promised.name)
    if (module === undefined || !ID.test(module))
      throw new AgentError('unknown-module', `no module is named for ${promised.name}; give spawn its id as 'module'`)
    checkGiven(promised.args, options.args, 'bad-input', `args of ${promised.name}`)
    const tags = flatTags(options.tags)
    for (let at = 0; at < tags.length; at += 2) {
      if (/^(?:Module|Scheduler|Compute)/i.test(tags[at] ?? ''))
        throw new AgentError('bad-call', `a child has its parent's ${tags[at]}`)
    }
    checkTags(tags, SPAWN_TAGS, SPAWN_TAGS_BYTES)
    const id = host.child(making().sends.length)
    const data = JSON.stringify(inputToSend(promised.args, options.args)) ?? ''
    send([1, module, [...tags, 'Content-Type', 'application/json'], data])
    return makeRef(promised, id, this.#task)
  }

  /** Has the messenger unit do something outside; the result comes back as a signed message. */
  effect(name: string, input: unknown, options: { key?: string; timeout?: Duration } = {}): Promise<unknown> {
    const { key } = options
    const request = () => {
      if (typeof name !== 'string' || (key !== undefined && typeof key !== 'string'))
        throw new AgentError('bad-call', 'the name of an effect and its key are texts')
      const { messenger = '', messengerAddress = '' } = agent.facts ?? {}
      const tags = ['Action', 'Effect', 'Effect', name, 'Content-Type', 'application/json']
      if (key !== undefined) tags.push('Effect-Key', key)
      const data = JSON.stringify(input) ?? ''
      const timeoutMs = options.timeout === undefined ? EFFECT_TIMEOUT_MS : durationMs(options.timeout)
      return { task: this.#task, to: messenger, answerer: messengerAddress, action: name, tags, data, timeoutMs }
    }
    return answered(request, ({ data }) => outcomeOf(name, data))
  }

  send(message: RawMessage): void {
    const { to, tags, data } = rawOf(message)
    checkTags(tags)
    send([0, to, tags, data])
  }

  request(message: RawMessage, options: { timeout?: Duration } = {}): Promise<unknown> {
    const request = () => {
      const timeoutMs = options.timeout === undefined ? undefined : durationMs(options.timeout)
      return { task: this.#task, action: message.action ?? 'request', timeoutMs, ...rawOf(message) }
    }
    return answered(request, ({ from, tags, data }) => ({ from, tags: tagRecord(tags), data }))
  }
}

function rawOf({ to, action, tags, data }: RawMessage): {
  to: string
  tags: string[]
  data: string
} {
  const flat = flatTags(tags)
  if (action !== undefined && typeof action !== 'string') throw new AgentError('bad-call', 'an action is a text')
  if (action !== undefined) flat.unshift('Action', action)
  if (data === undefined || typeof data === 'string') return { to: idOf(to), tags: flat, data: data ?? '' }
  flat.push('Content-Type', 'application/json')
  return { to: idOf(to), tags: flat, data: JSON.stringify(data) ?? '' }
}

/** What came of an effect. */
function outcomeOf(name: string, data: string): unknown {
  if (data === '') return undefined
  try {
    return JSON.parse(data)
  } catch {
    throw new AgentError('bad-reply', `${name}: its answer is not JSON`)
  }
}

function idOf(id: unknown): string {
  if (typeof id === 'string' && ID.test(id)) return id
  throw new AgentError('bad-call', `expected the id of a process (43 characters), got ${String(id)}`)
}

/** The contract itself, or that of an implementation. */
function contractOf(given: unknown): AnyContract {
  const either = given as AnyContract & { readonly contract?: AnyContract }
  const contract = either?.contract ?? either
  if (typeof contract?.name !== 'string') throw new AgentError('bad-call', 'expected a contract')
  return contract
}

/** What `init` gets. */
export function initFacts(args: unknown, tags: readonly string[]): unknown {
  const { self, owner, parent } = agent.facts ?? {}
  return {
    args,
    tags: tagRecord(tags),
    self,
    owner,
    parent,
    now: new Date(slot.nowMs),
    log: (...words: unknown[]) => host.log(format(words)),
    schedule: setSchedule,
    cancel: cancelSchedule,
  }
}
