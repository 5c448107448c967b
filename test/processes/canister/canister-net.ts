import { randomBytes } from 'node:crypto'
import { HostedProcess, type LoadedModule, type ProcessSnapshot } from '../../../compute-unit/index.ts'
import { canisterRuntime } from '../../../processes/index.ts'
import {
  asModuleId,
  type CanisterAnswer,
  type CanisterOutput,
  candidFields,
  candidRecord,
  type CandidType,
  type CandidValue,
  candidVariant,
  type CompositeCall,
  decodeCandid,
  decodeCanisterOutput,
  decodePushBody,
  describeProcess,
  emptyCanisterModule,
  encodeCandid,
  encodeFrame,
  encodeEnvelope,
  encodeIc,
  type Envelope,
  findTag,
  icMap,
  type ModuleDescription,
  principalFromText,
  principalOf,
  principalText,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type Result,
  runCompositeQuery,
  selfAuthenticating,
  type Timer,
  toHex,
  toUtf8,
} from '../../../protocol/index.ts'
import { keyOf } from '../../fakes/certified-pushes.ts'
import { messageItem, spawnItem } from '../../fakes/signed-items.ts'
import { onlyResult } from '../../compute-unit/scripted-guest.ts'

const MODULE = asModuleId(emptyCanisterModule().id)
/** The scheduler and messenger unit of all processes here. */
const UNIT = 1

/** A user of the IC, by number. */
export const user = (number: number): Uint8Array => selfAuthenticating(Uint8Array.of(number))

interface Member {
  readonly description: ProcessDescription
  readonly process: HostedProcess
  readonly spawn: Envelope
  readonly frames: { bytes: Uint8Array; senders: readonly string[] }[]
  timers: readonly Timer[]
}

/** Loads a module of format `canister`. */
export function loadCanisters(wasm: Uint8Array = emptyCanisterModule().data): LoadedModule {
  const id = wasm.length === 8 ? MODULE : asModuleId(MODULE.replace(/^./, 'B'))
  const module: ModuleDescription = { id, owner: '', format: 'canister', tags: [], wasm }
  const factory = canisterRuntime.load(canisterRuntime.prepare(module), module)
  const limits = { gasPerSlotMax: 3_000_000_000n }
  return { id, format: 'canister', tags: [], stateForm: 'memory', refused: undefined, factory, limits }
}

/** Canisters without a node: each slot is evaluated at once, and what it sends is delivered until nothing is under way. */
export class CanisterNet {
  readonly members = new Map<ProcessId, Member>()
  readonly modules: Map<string, LoadedModule>
  /** What effects answer, by name. */
  readonly effects: Record<string, (input: unknown) => unknown> = {
    'canister.find': input => this.#find((input as { principal: string }).principal),
    'random.bytes': input => ({ base64: randomBytes((input as { length: number }).length).toString('base64') }),
  }
  /** Effects that nobody answers. */
  readonly silent = new Set<string>()
  nowMs = 1_700_000_000_000
  /** Every result, in order. */
  readonly results: { process: ProcessId; result: Result }[] = []
  readonly #pushes: Push[] = []

  constructor(modules: readonly LoadedModule[] = [loadCanisters()]) {
    this.modules = new Map(modules.map(module => [module.id, module]))
  }

  get module(): LoadedModule {
    const found = this.modules.get(MODULE)
    if (found === undefined) throw new TypeError('expected the empty module')
    return found
  }

  /** A canister whose controller is signer 7; of the empty module, if no other is named. */
  spawn(module: LoadedModule = this.module, data: Uint8Array = new Uint8Array(0)): ProcessId {
    const tags = data.length === 0 ? {} : { 'Content-Type': 'application/candid' }
    const item = spawnItem(module.id, keyOf(UNIT), { tags, data })
    return this.#admit({ kind: 'item', item: item.bytes })
  }

  /** A canister that `sender` asks for, as the gateway makes it. */
  create(
    sender: Uint8Array,
    settings: CandidValue = { opt: undefined },
    type: CandidType = { opt: 'null' },
  ): ProcessId {
    return this.created(
      sender,
      'create_canister',
      encodeCandid([[{ record: candidFields({ settings: type }) }, candidRecord({ settings })]]),
    )
  }

  /** The same, by any method and argument. */
  created(sender: Uint8Array, method: string, arg: Uint8Array): ProcessId {
    const data = this.#request(sender, new Uint8Array(0), method, arg)
    const item = spawnItem(MODULE, keyOf(UNIT), { tags: { 'Canister-Request': 'ingress' }, data })
    return this.#admit({ kind: 'item', item: item.bytes })
  }

  #admit(envelope: Envelope): ProcessId {
    const description = describeProcess(envelope)
    const loaded = this.modules.get(description.module)
    if (loaded === undefined) throw new TypeError('expected a module')
    const process = HostedProcess.open(description, loaded)
    this.members.set(description.id, { description, process, spawn: envelope, frames: [], timers: [] })
    this.put(description.id, envelope)
    this.deliver()
    return description.id
  }

  member(process: ProcessId): Member {
    const found = this.members.get(process)
    if (found === undefined) throw new TypeError('expected a process of this net')
    return found
  }

  /** Puts an envelope into a feed and evaluates it; what it sends waits for `deliver`. */
  put(process: ProcessId, envelope: Envelope): Result {
    this.nowMs += 10
    const member = this.member(process)
    const bytes = encodeFrame(member.process.slots, [
      { timestampMs: this.nowMs, envelopeBytes: encodeEnvelope(envelope) },
    ])
    member.frames.push({ bytes, senders: [] })
    const outcome = member.process.evaluate(bytes, [VERDICT])
    if (outcome.timers !== undefined) member.timers = outcome.timers
    const result = onlyResult(outcome)
    this.results.push({ process, result })
    this.#pushes.push(...result.outbox)
    return result
  }

  /** While `act` runs, nothing is delivered: it stays under way. */
  hold(act: () => void): void {
    this.#isHeld = true
    try {
      act()
    } finally {
      this.#isHeld = false
    }
  }

  #isHeld = false

  /** What is under way arrives nowhere. */
  dropHeld(): void {
    this.#pushes.length = 0
  }

  /** Delivers what is under way, and what that causes, in order. */
  deliver(max = 100_000): number {
    let count = 0
    if (this.#isHeld) return count
    for (let push = this.#pushes.shift(); push !== undefined; push = this.#pushes.shift()) {
      count += 1
      if (count > max) throw new Error(`more than ${max} messages`)
      const { to } = push.core
      if (to === (keyOf(UNIT) as string)) this.#perform(push)
      else if (this.members.has(to)) this.put(to, { kind: 'push', push, proof: undefined })
      else if (decodePushBody(push.bodyBytes).kind === 'spawn') this.#admit({ kind: 'push', push, proof: undefined })
      else this.lost.push(push)
    }
    return count
  }

  /** Messages to processes that are not here. */
  readonly lost: Push[] = []

  #perform(push: Push): void {
    const { tags, data } = decodePushBody(push.bodyBytes)
    const name = findTag(tags, 'Effect') ?? ''
    const effect = this.effects[name]
    if (this.silent.has(name)) return
    const answer = effect?.(JSON.parse(new TextDecoder().decode(data)))
    const reference = findTag(tags, 'Reference') ?? ''
    const outcome = effect === undefined ? { Action: 'Error', Error: 'effect-unknown' } : { Action: 'Reply' }
    const item = messageItem(push.core.from, {
      tags: { ...outcome, 'X-Reference': reference, Effect: name },
      data: JSON.stringify(answer ?? { code: 'effect-unknown', message: 'no such effect' }),
      signer: UNIT,
    })
    this.put(push.core.from, { kind: 'item', item: item.bytes })
  }

  #find(text: string): unknown {
    const principal = principalFromText(text)
    const found = [...this.members.keys()].find(id => toHex(principalOf(id)) === toHex(principal))
    return { process: found ?? null, format: 'canister' }
  }

  #request(sender: Uint8Array, canister: Uint8Array, method: string, arg: Uint8Array): Uint8Array {
    this.#nonce += 1
    return encodeIc(
      icMap({
        content: icMap({
          request_type: 'call',
          canister_id: canister,
          method_name: method,
          arg,
          sender,
          ingress_expiry: BigInt(this.nowMs + 200_000) * 1_000_000n,
          nonce: toUtf8(String(this.#nonce)),
        }),
      }),
    )
  }

  #nonce = 0

  /** What came of a request of a user in the slot that took it, or later; nothing while it is under way. */
  ingress(
    process: ProcessId,
    method: string,
    arg: Uint8Array = NOTHING,
    sender = user(1),
    canister = principalOf(process),
  ): CanisterAnswer | undefined {
    const before = this.results.length
    this.put(process, { kind: 'ingress', bytes: this.#request(sender, canister, method, arg) })
    this.deliver()
    return this.answersSince(before)[0]
  }

  /** Answers to users in results from `index` on. */
  answersSince(index: number): CanisterAnswer[] {
    return this.results.slice(index).flatMap(({ process, result }) => {
      if (result.output.length === 0 || !this.isCanister(process)) return []
      return outputOf(result.output).answers.map(([, answer]) => answer)
    })
  }

  isCanister(process: ProcessId): boolean {
    return this.modules.get(this.member(process).description.module)?.format === 'canister'
  }

  /** A request for the management canister. */
  manage(
    process: ProcessId,
    method: string,
    fields: Readonly<Record<string, readonly [CandidType, CandidValue]>> = {},
    sender = user(1),
  ): CanisterAnswer | undefined {
    return this.ingress(process, method, managementArgument(process, fields, method), sender, new Uint8Array(0))
  }

  /** The argument of a management call about `process`. */
  argument(process: ProcessId): Uint8Array {
    return managementArgument(process, {})
  }

  install(
    process: ProcessId,
    wasm: Uint8Array,
    options: {
      mode?: 'install' | 'reinstall' | 'upgrade'
      keep?: boolean
      skip?: boolean
      arg?: Uint8Array
      sender?: Uint8Array
    } = {},
  ) {
    const { mode = 'install', arg = NOTHING, keep, skip, sender = user(1) } = options
    return this.manage(
      process,
      'install_code',
      { mode: installMode(mode, keep, skip), wasm_module: [BLOB, wasm], arg: [BLOB, arg] },
      sender,
    )
  }

  /** A canister with code, controlled by user 1. */
  installed(wasm: Uint8Array, arg?: Uint8Array): ProcessId {
    const process = this.create(user(1))
    const answer = this.install(process, wasm, arg === undefined ? {} : { arg })
    if (answer?.reply === undefined) throw new Error(`not installed: ${answer?.reject.message}`)
    return process
  }

  /** A query, composite ones too. */
  async query(
    process: ProcessId,
    method: string,
    arg: Uint8Array = NOTHING,
    sender = user(1),
    tags: Readonly<Record<string, string>> = {},
    certificate?: Uint8Array,
  ): Promise<CanisterAnswer> {
    const call = { callee: principalOf(process), method, arg }
    const output = await runCompositeQuery(call, async (inner, data, answers) =>
      this.#ask(inner, data, answers, sender, tags, certificate),
    )
    const [first] = output.answers
    if (first === undefined) throw new Error('expected an answer')
    return first[1]
  }

  #ask(
    { callee, method }: CompositeCall,
    data: Uint8Array,
    answers: number,
    sender: Uint8Array,
    tags: Readonly<Record<string, string>>,
    certificate?: Uint8Array,
  ): Uint8Array {
    const found = [...this.members.keys()].find(id => toHex(principalOf(id)) === toHex(callee))
    if (found === undefined) throw new Error('expected a canister of this net')
    const all = { Action: method, ...(answers > 0 ? { 'Canister-Answers': String(answers) } : {}), ...tags }
    const from = principalText(sender)
    const message = {
      from,
      owner: from,
      id: '',
      tags: Object.entries(all).map(([name, value]) => ({ name, value })),
      data,
      certificate,
    }
    const ending = this.member(found).process.query(message, this.nowMs)
    if (ending.status === 'error') throw new Error(`${ending.error.code}: ${ending.error.message}`)
    return ending.output
  }

  /** Time passes: timers that are due have their ticks. */
  pass(ms: number): void {
    const end = this.nowMs + ms
    for (;;) {
      const due = [...this.members].flatMap(([process, { timers }]) => timers.map(timer => ({ process, timer })))
      const next = due.sort((a, b) => a.timer.dueMs - b.timer.dueMs)[0]
      if (next === undefined || next.timer.dueMs > end) break
      this.nowMs = Math.max(this.nowMs, next.timer.dueMs)
      const { key, dueMs } = next.timer
      this.put(next.process, { kind: 'tick', timer: Uint8Array.from(key, one => one.charCodeAt(0)), dueMs })
      this.deliver()
    }
    this.nowMs = Math.max(this.nowMs, end)
  }

  root(process: ProcessId): string {
    return toHex(this.member(process).process.stateRoot())
  }

  /** Evaluates the feed of a process again, in another host; gives the state root. */
  replay(
    process: ProcessId,
    modules: ReadonlyMap<string, LoadedModule> = new Map([[MODULE, loadCanisters()]]),
  ): string {
    const { description, frames } = this.member(process)
    const loaded = modules.get(description.module)
    if (loaded === undefined) throw new TypeError('expected a module')
    const again = HostedProcess.open(description, loaded)
    for (const { bytes } of frames) again.evaluate(bytes, [VERDICT])
    const root = toHex(again.stateRoot())
    again.close()
    return root
  }

  /** The state of a process goes through a checkpoint into a new host. */
  wakeElsewhere(process: ProcessId): HostedProcess {
    const { description } = this.member(process)
    return HostedProcess.open(description, loadCanisters(), snapshotOf(this.member(process).process))
  }
}

export function snapshotOf(process: HostedProcess): ProcessSnapshot {
  const { cells, ...rest } = process.takeDelta()
  return { ...rest, cells: cells.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])) }
}

const VERDICT = { status: 'ok', sender: { owner: keyOf(UNIT), module: MODULE } } as const
export const NOTHING = encodeCandid([])
export const BLOB: CandidType = { vec: 'nat8' }

export function installMode(mode: string, keep?: boolean, skip?: boolean): readonly [CandidType, CandidValue] {
  const persistence: CandidType = { variant: candidFields({ keep: 'null', replace: 'null' }) }
  const options: CandidType = {
    opt: { record: candidFields({ skip_pre_upgrade: { opt: 'bool' }, wasm_memory_persistence: { opt: persistence } }) },
  }
  const type: CandidType = { variant: candidFields({ install: 'null', reinstall: 'null', upgrade: options }) }
  if (mode !== 'upgrade') return [type, candidVariant(mode)]
  const told = candidRecord({
    skip_pre_upgrade: { opt: skip },
    wasm_memory_persistence: { opt: keep === undefined ? undefined : candidVariant(keep ? 'keep' : 'replace') },
  })
  return [type, candidVariant('upgrade', { opt: told })]
}

export function managementArgument(
  process: ProcessId,
  fields: Readonly<Record<string, readonly [CandidType, CandidValue]>>,
  method = '',
): Uint8Array {
  const target = method === 'install_chunked_code' ? 'target_canister' : 'canister_id'
  const all = { [target]: ['principal', { principal: principalOf(process) }] as const, ...fields }
  const types = Object.fromEntries(Object.entries(all).map(([name, [type]]) => [name, type]))
  const values = Object.fromEntries(Object.entries(all).map(([name, [, value]]) => [name, value]))
  return encodeCandid([[{ record: candidFields(types) }, candidRecord(values)]])
}

export function outputOf(bytes: Uint8Array): CanisterOutput {
  const output = decodeCanisterOutput(bytes)
  if ('calls' in output) throw new Error('expected the output of a slot')
  return output
}

export const nat = (value: number): Uint8Array => encodeCandid([['nat', BigInt(value)]])
export const principalArg = (process: ProcessId): Uint8Array =>
  encodeCandid([['principal', { principal: principalOf(process) }]])

/** The values of a reply; a reject is told as text. */
export function replied(answer: CanisterAnswer | undefined): unknown {
  if (answer === undefined) return 'no answer'
  if (answer.reject !== undefined) return `${answer.reject.error} ${answer.reject.message}`
  const values = decodeCandid(answer.reply)
  return values.length === 1 ? values[0] : values
}
