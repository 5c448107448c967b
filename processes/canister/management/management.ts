import {
  CborReader,
  CborWriter,
  decodeCandid,
  emptyCanisterModule,
  firstRecord,
  type GuestMessage,
  MalformedBytes,
  equalBytes,
  findTag,
  principalFromText,
  principalOf,
  principalText,
  type ProcessDescription,
  asProcessId,
  isId,
} from '../../../protocol/index.ts'
import { STOP_TIMEOUT_MS } from '../bounds.ts'
import type { CallRequest } from '../call-request.ts'
import type { CallsTaken } from '../calls-taken.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import type { Machine, MachineHome } from '../machine.ts'
import { MODES } from '../modes.ts'
import { keysUnder } from '../pieces.ts'
import { FIND, notFound, type Post } from '../post.ts'
import { numbered, type Origin, readOrigin, writeOrigin } from '../records.ts'
import type { Slot } from '../slot.ts'
import { STOP_TIMER } from '../timers.ts'

import { Fields } from './fields.ts'
import { remember } from './history.ts'
import { putOutcall, readHttpOutcome, readHttpRequest, takeOutcall } from './http-outcall.ts'
import { install } from './install.ts'
import { METHODS, type MethodContext } from './methods.ts'
import { blobReply, canisterIdReply, httpReply, NOTHING, transformArgument } from './replies.ts'
import { readSettings } from './settings.ts'

const NO_BYTES = new Uint8Array(0)
const STOPS = 'q/'
const HTTP = 'http/'

export interface ManagementParts {
  readonly machine: Machine
  readonly process: ProcessDescription
  readonly home: MachineHome
  readonly post: Post
  readonly calls: CallsTaken
}

/** How a canister comes to be: who asked for it, and with what. */
export interface Creation {
  readonly method: string
  readonly arg: Uint8Array
  readonly caller: Uint8Array
  /** Cycles that came with a call; nothing for a user, who pays none. */
  readonly cycles: bigint | undefined
  readonly origin: Origin
}

/** The management canister, as far as it is about one canister: every canister carries out what is asked of itself. */
export class Management {
  readonly #parts: ManagementParts

  constructor(parts: ManagementParts) {
    this.#parts = parts
  }

  /** Slot 0 of a canister that was asked for. */
  create({ method, arg, caller, cycles, origin }: Creation, slot: Slot): void {
    const { machine } = this.#parts
    this.#answered({ origin, cycles: 0n }, slot, () => {
      const fields = fieldsOf(arg)
      const amount = method === 'provisional_create_canister_with_cycles' ? fields.natIf('amount', 2n ** 128n - 1n) : cycles
      if (method !== 'create_canister' && method !== 'provisional_create_canister_with_cycles') {
        throw new Rejected('IC0407', `no canister is made by '${method}'`)
      }
      const settings = readSettings(fields.recordIf('settings'), { ...machine.state.settings, controllers: [caller.slice()] })
      machine.change({ settings, createdNs: slot.nowNs, ...(amount === undefined || amount === 0n ? {} : { cycles: amount }) })
      remember(machine, { what: 'creation', caller: caller.slice(), hash: NO_BYTES, controllers: settings.controllers }, slot)
      slot.changed = true
      slot.hasActed = true
      return canisterIdReply(machine.names.self)
    })
  }

  /** Slot 0 of a process that somebody spawned as any other. */
  createNative(caller: Uint8Array, arg: Uint8Array, slot: Slot): void {
    const { machine, home } = this.#parts
    const settings = { ...machine.state.settings, controllers: [caller] }
    machine.change({ settings, createdNs: slot.nowNs })
    remember(machine, { what: 'creation', caller, hash: NO_BYTES, controllers: [caller] }, slot)
    slot.changed = true
    slot.hasActed = true
    const { ownCode } = home
    if (ownCode === undefined) return
    try {
      install(this.#parts, { mode: 'install', wasm: ownCode, arg, caller, isOwn: true }, slot)
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      slot.failed = error.reject
    }
  }

  /** A call whose target this canister is. */
  take(request: CallRequest, slot: Slot): void {
    const { origin, cycles } = request
    this.#answered({ origin, cycles }, slot, () => {
      const { machine } = this.#parts
      const method = METHODS.get(request.method)
      if (method === undefined) throw unknownMethod(request.method)
      if (machine.state.deleted) throw new Rejected('IC0301', notFound(machine.names.self).message)
      const fields = fieldsOf(request.arg)
      checkTarget(machine, request.method, fields)
      this.#checkCaller(method.callers, request.method, request.caller)
      if (request.method === 'stop_canister') return this.#stop(origin, slot)
      if (request.method === 'start_canister') return this.#start(slot)
      const context: MethodContext = { ...this.#parts, slot, caller: request.caller, cycles }
      return method.run(fields, context)
    })
  }

  #checkCaller(callers: 'controllers' | 'self' | 'log' | 'anyone', method: string, caller: Uint8Array): void {
    const { machine } = this.#parts
    const { controllers, logVisibility } = machine.state.settings
    const isController = controllers.some(one => equalBytes(one, caller))
    if (callers === 'anyone' || isController) return
    if (callers === 'self' && equalBytes(caller, machine.names.self)) return
    if (callers === 'log' && (logVisibility === 'public' || (typeof logVisibility !== 'string' && logVisibility.some(one => equalBytes(one, caller))))) return
    const who = controllers.map(principalText).join(' ')
    throw new Rejected(
      'IC0512',
      `Only controllers of canister ${principalText(machine.names.self)} can call ic00 method ${method}. Canister's controllers: ${who}; sender: ${principalText(caller)}`,
    )
  }

  /** Whether the request of a user may stand in the feed. @throws {Rejected} */
  inspect(method: string, arg: Uint8Array, caller: Uint8Array): void {
    const found = METHODS.get(method)
    if (found === undefined) throw unknownMethod(method)
    const { machine } = this.#parts
    if (found.byUsers === false) throw new Rejected('IC0406', `users cannot call ic00 method ${method}`, REJECT.canister)
    checkTarget(machine, method, fieldsOf(arg))
    this.#checkCaller(found.callers, method, caller)
  }

  /** A query of the management canister. @throws {Rejected} */
  query(method: string, arg: Uint8Array, caller: Uint8Array, slot: Slot): Uint8Array {
    const found = METHODS.get(method)
    if (found?.isQuery !== true) throw unknownMethod(method)
    const fields = fieldsOf(arg)
    checkTarget(this.#parts.machine, method, fields)
    this.#checkCaller(found.callers, method, caller)
    return found.run(fields, { ...this.#parts, slot, caller, cycles: 0n })
  }

  /** What the canister's own code asks of the management canister: carried out here, or sent to whom it is about. */
  local({ method, arg, cycles, callback }: { method: string; arg: Uint8Array; cycles: bigint; callback: number }, slot: Slot): boolean {
    const { machine, post } = this.#parts
    const target = METHODS.get(method)
    const isOwn = LOCAL_METHODS.has(method)
    if (target === undefined && !isOwn) return false
    if (target !== undefined && !isOwn) {
      this.#answered({ origin: { kind: 'self', callback }, cycles }, slot, () => {
        const fields = fieldsOf(arg)
        const callee = fields.principalIf('target_canister') ?? fields.principal('canister_id')
        const depth = slot.message.depth + 1
        post.request({ callback, callee: callee.slice(), method, arg, cycles, deadlineNs: 0n, depth, isManagement: true }, slot)
        return undefined
      })
      return true
    }
    this.#answered({ origin: { kind: 'self', callback }, cycles: method.includes('create_canister') ? 0n : cycles }, slot, () => {
      switch (method) {
        case 'raw_rand':
          return blobReply(slot.context.random(32))
        case 'create_canister':
        case 'provisional_create_canister_with_cycles':
          return this.#spawn(method, arg, cycles, slot)
        case 'http_request': {
          const { input, transform } = readHttpRequest(fieldsOf(arg), machine.names.self)
          putOutcall(slot.cells, callback, transform)
          post.effect('http.fetch', HTTP + callback, input, slot.message.depth + 1, slot)
          return undefined
        }
        default:
          throw new Rejected('IC0406', `ic00 method ${method} is not offered here: there are no such keys, and no such chain`, REJECT.canister)
      }
    })
    return true
  }

  #spawn(method: string, arg: Uint8Array, cycles: bigint, slot: Slot): Uint8Array {
    readSettings(fieldsOf(arg).recordIf('settings'), this.#parts.machine.state.settings)
    const handed = this.#parts.process.tags.filter(({ name }) => name === 'IC-Root-Key' || name === 'Messenger')
    const child = slot.context.spawn({
      module: emptyCanisterModule().id,
      tags: [
        { name: 'Data-Protocol', value: 'ao' },
        { name: 'Variant', value: 'ao.TN.1' },
        { name: 'Type', value: 'Process' },
        { name: 'Canister-Request', value: 'call' },
        { name: 'Action', value: method },
        { name: 'Cycles', value: String(cycles) },
        ...handed,
      ],
      data: arg,
    })
    const principal = principalOf(child)
    this.#parts.post.learn(child, principal, true, slot)
    return canisterIdReply(principal)
  }

  /** Carries something out and answers with its reply; `undefined` says that the answer comes later. */
  #answered({ origin, cycles }: Pick<CallRequest, 'origin' | 'cycles'>, slot: Slot, act: () => Uint8Array | undefined): void {
    const { post } = this.#parts
    try {
      const reply = act()
      if (reply !== undefined) post.answer(origin, { answer: { reply }, refund: cycles }, slot)
    } catch (error) {
      const reject = rejectOf(error)
      if (origin.kind === 'user' && !slot.hasActed) slot.failed = reject
      post.answer(origin, { answer: { reject }, refund: cycles }, slot)
    }
  }

  #stop(origin: Origin, slot: Slot): Uint8Array | undefined {
    const { machine } = this.#parts
    slot.hasActed = true
    if (machine.state.status === 'stopped') return NOTHING
    if (machine.state.status === 'running') machine.change({ status: 'stopping', version: machine.state.version + 1n })
    if (machine.state.openContexts === 0) {
      machine.change({ status: 'stopped' })
      return NOTHING
    }
    const writer = new CborWriter()
    writer.array(2)
    writer.uint(slot.message.timestampMs)
    writeOrigin(writer, origin)
    slot.cells.set(numbered(STOPS, slot.message.slot), writer.finish())
    slot.context.setTimer(STOP_TIMER, slot.message.timestampMs + STOP_TIMEOUT_MS)
    return undefined
  }

  #start(slot: Slot): Uint8Array {
    const { machine } = this.#parts
    slot.hasActed = true
    if (machine.state.status === 'running') return NOTHING
    machine.change({ status: 'running', version: machine.state.version + 1n })
    const name = principalText(machine.names.self)
    this.#endStops({ reject: { code: REJECT.error, error: 'IC0511', message: `Canister ${name}'s stop request was cancelled` } }, slot)
    return NOTHING
  }

  /** After all else of a slot: a canister that waits to stop, and has nothing open any more, has stopped. */
  settle(slot: Slot): void {
    const { machine } = this.#parts
    if (machine.state.status !== 'stopping' || machine.state.openContexts > 0) return
    machine.change({ status: 'stopped', version: machine.state.version + 1n })
    this.#endStops({ reply: NOTHING }, slot)
  }

  stopExpired(slot: Slot): void {
    const before = slot.message.timestampMs - STOP_TIMEOUT_MS
    this.#endStops({ reject: { code: REJECT.transient, error: 'IC0206', message: 'Stop canister request timed out' } }, slot, before)
  }

  #endStops(answer: Parameters<Post['answer']>[1]['answer'], slot: Slot, before = Number.MAX_SAFE_INTEGER): void {
    for (const key of keysUnder(slot.cells, STOPS)) {
      const reader = new CborReader(slot.cells.get(key) ?? NO_BYTES)
      reader.array()
      const askedMs = Number(reader.uint())
      if (askedMs > before) {
        slot.context.setTimer(STOP_TIMER, askedMs + STOP_TIMEOUT_MS)
        return
      }
      const origin = readOrigin(reader)
      slot.cells.delete(key)
      this.#parts.post.answer(origin, { answer, refund: 0n }, slot)
    }
  }

  /** What the messenger unit did outside. Of each effect the first outcome counts. */
  effectDone(reference: string, message: GuestMessage, slot: Slot): void {
    const failed = findTag(message.tags, 'Action') === 'Error'
    slot.hasActed = true
    if (reference.startsWith(FIND)) this.#found(reference.slice(FIND.length), failed, message.data, slot)
    else if (reference.startsWith(HTTP)) this.#outcallDone(Number(reference.slice(HTTP.length)), failed, message.data, slot)
  }

  #found(text: string, failed: boolean, data: Uint8Array, slot: Slot): void {
    let principal: Uint8Array
    let told: { process?: unknown; format?: unknown } = {}
    try {
      principal = principalFromText(text)
      if (!failed) told = JSON.parse(new TextDecoder().decode(data)) as typeof told
    } catch {
      return
    }
    const process = typeof told?.process === 'string' && isId(told.process) ? asProcessId(told.process) : undefined
    // The answer proves itself: whoever gives it cannot name another process.
    const isTrue = process !== undefined && equalBytes(principalOf(process), principal)
    this.#parts.post.found(principal, isTrue ? { process, candid: told.format === 'canister' } : notFound(principal), slot)
  }

  #outcallDone(callback: number, failed: boolean, data: Uint8Array, slot: Slot): void {
    const outcall = takeOutcall(slot.cells, callback)
    if (outcall === undefined) return
    this.#answered({ origin: { kind: 'self', callback }, cycles: 0n }, slot, () => {
      const response = readHttpOutcome(failed, data)
      const { transform } = outcall
      if (transform === undefined) return httpReply(response)
      return this.#transform(transform.method, transformArgument(response, transform.context), slot)
    })
  }

  #transform(method: string, arg: Uint8Array, slot: Slot): Uint8Array {
    const { machine } = this.#parts
    const code = machine.code(slot.cells)
    if (code?.entries.has(`canister_query ${method}`) !== true) throw new Rejected('IC0536', `Canister has no query method '${method}'.`)
    const entry = { mode: MODES.TQ, caller: NO_BYTES, arg, answers: true, gasLimit: slot.left / 2n }
    const { execution, trap, gas } = machine.execute(code, `canister_query ${method}`, entry, slot.nowNs, false)
    slot.spend(gas)
    if (trap !== undefined) throw new Rejected(trap.error, trap.message)
    const { response } = execution
    if (response === undefined || 'message' in response) throw new Rejected('IC0506', 'the transform did not reply')
    return response.reply
  }
}

/** Methods that are about no canister, or about one that is not there yet. */
const LOCAL_METHODS: ReadonlySet<string> = new Set([
  'raw_rand', 'create_canister', 'provisional_create_canister_with_cycles', 'http_request',
  'ecdsa_public_key', 'sign_with_ecdsa', 'schnorr_public_key', 'sign_with_schnorr', 'vetkd_public_key', 'vetkd_derive_key',
  'bitcoin_get_balance', 'bitcoin_get_utxos', 'bitcoin_send_transaction', 'bitcoin_get_current_fee_percentiles',
  'bitcoin_get_block_headers', 'node_metrics_history', 'subnet_info',
])

function fieldsOf(arg: Uint8Array): Fields {
  return new Fields(firstRecord(decodeCandid(arg)))
}

function checkTarget(machine: Machine, method: string, fields: Fields): void {
  const target = method === 'install_chunked_code' ? fields.principal('target_canister') : fields.principal('canister_id')
  if (equalBytes(target, machine.names.self)) return
  throw new Rejected('IC0408', `the request is about ${principalText(target)}, not ${principalText(machine.names.self)}`, REJECT.error)
}

function rejectOf(error: unknown) {
  if (error instanceof Rejected) return error.reject
  if (error instanceof MalformedBytes) return { code: REJECT.error, error: 'IC0408', message: `Error decoding candid: ${error.message}` }
  throw error
}

const unknownMethod = (method: string): Rejected =>
  new Rejected('IC0407', `Management canister has no method '${method}'`, REJECT.destination)

