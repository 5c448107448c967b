import { MalformedBytes, principalText, type ProcessDescription } from '../../../protocol/index.ts'
import { STOP_TIMEOUT_MS } from '../bounds.ts'
import type { CallRequest } from '../call-request.ts'
import type { CallsTaken, Outcome } from '../calls-taken.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import type { Machine, MachineHome } from '../machine.ts'
import { notFound, type Post } from '../post.ts'
import type { Origin } from '../records.ts'
import type { Slot } from '../slot.ts'
import { STOP_TIMER } from '../timers.ts'
import { type Callers, mayCall } from './callers.ts'
import { fetchChunks, FETCHING_CHUNKS, storeElsewhere } from './chunks-elsewhere.ts'
import { tookPiece } from './errand.ts'
import { fieldsOf } from './fields.ts'
import { remember } from './history.ts'
import { install } from './install.ts'
import { versionOfCaller } from './installation-fields.ts'
import { METHODS, type MethodContext } from './methods.ts'
import { checkSpecified, checkTarget } from './named-canisters.ts'
import { canisterIdReply, NOTHING } from './replies.ts'
import { environmentHash, readSettings } from './settings.ts'
import { putStop, stopRequests } from './stop-requests.ts'
import { fetchSnapshot, FETCHING_SNAPSHOT, snapshotElsewhere } from './snapshots-elsewhere.ts'
import { unknownMethod } from './unknown-method.ts'

const NO_BYTES = new Uint8Array(0)
const LOAD = 'load_canister_snapshot'

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
    this.answered({ origin, cycles: 0n }, slot, () => {
      const fields = fieldsOf(arg, slot)
      const amount = method === 'provisional_create_canister_with_cycles' ? fields.cyclesIf('amount') : cycles
      if (method !== 'create_canister' && method !== 'provisional_create_canister_with_cycles') {
        throw new Rejected('IC0407', `no canister is made by '${method}'`)
      }
      checkSpecified(fields, machine.names.self)
      const asked = fields.recordIf('settings')
      const settings = readSettings(asked, { ...machine.state.settings, controllers: [caller.slice()] })
      machine.change({
        settings,
        createdNs: slot.nowNs,
        ...(amount === undefined || amount === 0n ? {} : { cycles: amount }),
      })
      remember(
        machine,
        {
          what: 'creation',
          caller: caller.slice(),
          callerVersion: versionOfCaller(fields),
          hash: asked?.has('environment_variables') === true ? environmentHash(settings) : NO_BYTES,
          controllers: settings.controllers,
        },
        slot,
      )
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
    const call = { origin, cycles }
    this.answered(call, slot, () => {
      const { machine } = this.#parts
      const method = METHODS.get(request.method)
      if (method === undefined || (method.isInner === true && origin.kind !== 'process'))
        throw Rejected.of(unknownMethod(request.method))
      this.#checkThere()
      const fields = fieldsOf(request.arg, slot)
      checkTarget(machine, request.method, fields)
      this.#checkCaller(method.callers, request.method, request.caller)
      if (request.method === 'stop_canister') return this.#stop(call, slot)
      if (request.method === 'start_canister') return this.#start(slot)
      const store = request.method === 'install_chunked_code' ? storeElsewhere(fields, machine.names.self) : undefined
      if (store !== undefined) {
        fetchChunks(this.#parts, request, fields, store, slot)
        return undefined
      }
      const owner = request.method === LOAD ? snapshotElsewhere(fields, machine.names.self) : undefined
      if (owner !== undefined) {
        fetchSnapshot(this.#parts, request, fields, owner, slot)
        return undefined
      }
      const context: MethodContext = { ...this.#parts, slot, caller: request.caller, cycles }
      const reply = method.run(fields, context)
      if (method.keepsCycles === true) call.cycles = 0n
      return reply
    })
  }

  /** Takes the answer to a call that was made to fetch code or a snapshot; says whether it was one. */
  fetched(callback: number, outcome: Outcome, slot: Slot): boolean {
    const may = (method: string) => (caller: Uint8Array) => {
      this.#checkThere()
      this.#checkCaller('controllers', method, caller)
    }
    return (
      tookPiece(FETCHING_CHUNKS, this.#parts, callback, outcome, slot, may('install_chunked_code')) ||
      tookPiece(FETCHING_SNAPSHOT, this.#parts, callback, outcome, slot, may(LOAD))
    )
  }

  #checkThere(): void {
    const { state, names } = this.#parts.machine
    if (!state.deleted) return
    const { code, error, message } = notFound(names.self)
    throw new Rejected(error, message, code)
  }

  #checkCaller(callers: Callers, method: string, caller: Uint8Array): void {
    const { machine } = this.#parts
    if (mayCall(callers, caller, machine)) return
    const { controllers } = machine.state.settings
    const who = controllers.map(principalText).join(' ')
    throw new Rejected(
      'IC0512',
      `Only controllers of canister ${principalText(machine.names.self)} can call ic00 method ${method}. Canister's controllers: ${who}; sender: ${principalText(caller)}`,
    )
  }

  /** Whether the request of a user may stand in the feed. @throws {Rejected} */
  inspect(method: string, arg: Uint8Array, caller: Uint8Array, slot: Slot): void {
    const found = METHODS.get(method)
    // The IC says the same of what nobody can call.
    if (found === undefined || found.isInner === true || found.byUsers === false) {
      throw new Rejected('IC0406', `Only canisters can call ic00 method ${method}`, REJECT.canister)
    }
    const { machine } = this.#parts
    checkTarget(machine, method, fieldsOf(arg, slot))
    this.#checkCaller(found.callers, method, caller)
  }

  /** A query of the management canister. @throws {Rejected} */
  query(method: string, arg: Uint8Array, caller: Uint8Array, slot: Slot): Uint8Array {
    const found = METHODS.get(method)
    if (found?.isQuery !== true) throw new Rejected('IC0536', `Query method ${method} not found.`)
    this.#checkThere()
    const fields = fieldsOf(arg, slot)
    checkTarget(this.#parts.machine, method, fields)
    this.#checkCaller(found.callers, method, caller)
    return found.run(fields, { ...this.#parts, slot, caller, cycles: 0n })
  }

  /** Carries something out and answers with its reply; `undefined` says that the answer comes later. What `act` leaves of the cycles goes back. */
  answered(call: Pick<CallRequest, 'origin' | 'cycles'>, slot: Slot, act: () => Uint8Array | undefined): void {
    const { post } = this.#parts
    const { origin } = call
    try {
      const reply = act()
      if (reply !== undefined) post.answer(origin, { answer: { reply }, refund: call.cycles }, slot)
    } catch (error) {
      const reject = rejectOf(error)
      if (origin.kind === 'user' && !slot.hasActed) slot.failed = reject
      post.answer(origin, { answer: { reject }, refund: call.cycles }, slot)
    }
  }

  #stop({ origin, cycles }: Pick<CallRequest, 'origin' | 'cycles'>, slot: Slot): Uint8Array | undefined {
    const { machine } = this.#parts
    const { status, version, openContexts } = machine.state
    slot.hasActed = true
    machine.change({ version: version + 1n })
    if (status === 'stopped') return NOTHING
    machine.change({ status: 'stopping' })
    if (openContexts === 0) {
      this.#hasStopped()
      return NOTHING
    }
    const { timestampMs, slot: number } = slot.message
    // The first that waits is the first whose time is up.
    if (putStop(slot.cells, number, { askedMs: timestampMs, origin, cycles }))
      slot.context.setTimer(STOP_TIMER, timestampMs + STOP_TIMEOUT_MS)
    return undefined
  }

  #start(slot: Slot): Uint8Array {
    const { machine } = this.#parts
    const { status, version } = machine.state
    slot.hasActed = true
    machine.change({ status: 'running', version: version + 1n })
    if (status === 'running') return NOTHING
    const name = principalText(machine.names.self)
    this.#endStops(
      { reject: { code: REJECT.error, error: 'IC0511', message: `Canister ${name}'s stop request was cancelled` } },
      slot,
    )
    return NOTHING
  }

  /** After all else of a slot: a canister that waits to stop, and has nothing open any more, has stopped. */
  settle(slot: Slot): void {
    const { status, openContexts } = this.#parts.machine.state
    if (status !== 'stopping' || openContexts > 0) return
    this.#hasStopped()
    this.#endStops({ reply: NOTHING }, slot)
  }

  #hasStopped(): void {
    const { machine } = this.#parts
    machine.change({ status: 'stopped', version: machine.state.version + 1n })
  }

  stopExpired(slot: Slot): void {
    const before = slot.message.timestampMs - STOP_TIMEOUT_MS
    this.#endStops(
      { reject: { code: REJECT.transient, error: 'IC0206', message: 'Stop canister request timed out' } },
      slot,
      before,
    )
  }

  #endStops(answer: Parameters<Post['answer']>[1]['answer'], slot: Slot, before = Number.MAX_SAFE_INTEGER): void {
    for (const { key, askedMs, origin, cycles: refund } of stopRequests(slot.cells)) {
      if (askedMs > before) {
        slot.context.setTimer(STOP_TIMER, askedMs + STOP_TIMEOUT_MS)
        return
      }
      slot.cells.delete(key)
      this.#parts.post.answer(origin, { answer, refund }, slot)
    }
  }
}

function rejectOf(error: unknown) {
  if (error instanceof Rejected) return error.reject
  if (error instanceof MalformedBytes)
    return { code: REJECT.canister, error: 'IC0408', message: `Error decoding candid: ${error.message}` }
  throw error
}
