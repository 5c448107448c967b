import {
  decodeIngress,
  type Ending,
  encodeCanisterOutput,
  findTag,
  fromBase64Url,
  FUEL_MIN,
  type GuestContext,
  type GuestMessage,
  MalformedBytes,
  principalOf,
  principalText,
  type ProcessDescription,
  viewOf,
} from '../../protocol/index.ts'
import { REFERENCE_MAX_BYTES } from './bounds.ts'
import { cyclesOf, deadlineOf, isCandid } from './answers-told.ts'
import { keepLines, keptAnyway } from './canister-log.ts'
import type { CallRequest } from './call-request.ts'
import { CallsTaken } from './calls-taken.ts'
import { jsonToCandid } from './candid-json.ts'
import { REJECT } from './canister-trap.ts'
import { outOfCycles } from './freezing.ts'
import { ANSWERS, LETTERS } from './leaving.ts'
import { isLowOnMemory } from './low-memory.ts'
import type { Machine, MachineHome } from './machine.ts'
import { Management } from './management/management.ts'
import { OwnCalls } from './management/own-calls.ts'
import { Post } from './post.ts'
import { answerQuery } from './queries.ts'
import type { Origin } from './records.ts'
import { type Letter, Slot, type UserAnswer } from './slot.ts'
import { armTimers, DEADLINE_TIMER, GLOBAL_TIMER, HEARTBEAT_TIMER, LEAVING_TIMER, STOP_TIMER } from './timers.ts'

const NO_BYTES = new Uint8Array(0)

/** What runs in the slots of one canister: messages in, executions, letters and answers out. */
export class Canister {
  readonly #machine: Machine
  readonly #post: Post
  readonly #calls: CallsTaken
  readonly #management: Management
  readonly #own: OwnCalls

  constructor(machine: Machine, process: ProcessDescription, home: MachineHome) {
    this.#machine = machine
    this.#post = new Post(machine, process, (call, slot) => this.#own.local(call, slot))
    this.#calls = new CallsTaken(machine, this.#post, (callback, outcome, slot) =>
      this.#management.fetched(callback, outcome, slot),
    )
    const parts = { machine, process, home, post: this.#post, calls: this.#calls }
    this.#management = new Management(parts)
    this.#own = new OwnCalls(parts, this.#management)
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    const before = this.#machine.state
    const slot = new Slot(message, context, gasLimit)
    if (message.kind === 'query') {
      const parts = { machine: this.#machine, calls: this.#calls, management: this.#management }
      return { status: 'ok', output: answerQuery(parts, slot), gas: clip(slot.gas, gasLimit) }
    }
    slot.spend(DELIVER_GAS + 2n * BigInt(message.data.length))
    this.#dispatch(message, slot)
    this.#drain(slot)
    this.#management.settle(slot)
    const gasOf = (): bigint => clip(slot.gas, gasLimit)
    if (slot.failed !== undefined && !slot.hasActed) {
      const { error, message: text } = slot.failed
      const output = encodeCanisterOutput({ answers: slot.answers, changed: slot.changed })
      const note = keptAnyway(this.#machine, slot)
      return { status: 'error', gas: gasOf(), error: { code: error, message: text }, output, note }
    }
    this.#watchMemory(slot)
    const answers = this.#flush(slot)
    keepLines(this.#machine, slot)
    const { state } = this.#machine
    const certified = state.certified === before.certified ? undefined : state.certified
    const output = encodeCanisterOutput({ answers, certified, changed: slot.changed })
    armTimers(this.#machine, slot, before)
    return { status: 'ok', gas: gasOf(), output }
  }

  /** Little memory is left: the canister hears of it at the end of the slot that made it so, and then not again before there was more. */
  #watchMemory(slot: Slot): void {
    const { state } = this.#machine
    const isLow = isLowOnMemory(state)
    if (isLow === state.toldLowMemory || state.status !== 'running') return
    this.#machine.change({ toldLowMemory: isLow })
    if (!isLow) return
    this.#calls.systemTask('canister_on_low_wasm_memory', slot)
    this.#drain(slot)
  }

  #dispatch(message: GuestMessage, slot: Slot): void {
    switch (message.kind) {
      case 'spawn':
        this.#spawn(message, slot)
        return
      case 'ingress':
        this.#ingress(message, slot)
        return
      case 'tick':
        this.#tick(message.timer ?? '', slot)
        return
      default:
        if (message.fromProcess === undefined) this.#item(message, slot)
        else this.#push(message, slot)
    }
  }

  /** Slot 0: the canister comes to be, with the code of its module if that is some. */
  #spawn(message: GuestMessage, slot: Slot): void {
    const kind = findTag(message.tags, 'Canister-Request')
    if (kind === 'ingress') {
      try {
        const { request, id } = decodeIngress(message.data)
        const origin: Origin = { kind: 'user', call: id }
        this.#management.create(
          { method: request.method, arg: request.arg, caller: request.sender, cycles: undefined, origin },
          slot,
        )
      } catch (error) {
        if (!(error instanceof MalformedBytes)) throw error
        slot.failed = { code: REJECT.canister, error: 'IC0408', message: error.message }
      }
      return
    }
    const caller = principalOf(message.from)
    if (kind === 'call') {
      const method = findTag(message.tags, 'Action') ?? ''
      const cycles = cyclesOf(message.tags)
      this.#management.create({ method, arg: message.data, caller, cycles, origin: { kind: 'nobody' } }, slot)
      return
    }
    this.#management.createNative(caller, isCandid(message.tags) ? message.data : NO_BYTES, slot)
  }

  #ingress({ ingress }: GuestMessage, slot: Slot): void {
    if (ingress === undefined) return
    const { requestId, sender, canister, method, arg, senderInfo } = ingress
    const origin: Origin = { kind: 'user', call: requestId }
    const callerInfo = senderInfo && { data: senderInfo.info, signer: senderInfo.signer }
    const request: CallRequest = {
      method,
      arg,
      caller: sender,
      origin,
      cycles: 0n,
      deadlineNs: 0n,
      depth: 0,
      callerInfo,
    }
    if (canister.length === 0) this.#management.take(request, slot)
    else this.#calls.take(request, slot)
  }

  #tick(timer: string, slot: Slot): void {
    switch (timer) {
      case GLOBAL_TIMER:
        if (!this.#isTimerDue(slot)) return
        this.#machine.change({ timerNs: 0n })
        this.#calls.systemTask('canister_global_timer', slot)
        return
      case HEARTBEAT_TIMER:
        this.#calls.systemTask('canister_heartbeat', slot)
        return
      case DEADLINE_TIMER:
        this.#calls.expire(slot)
        return
      case STOP_TIMER:
        this.#management.stopExpired(slot)
    }
  }

  /** One that is due while the canister does not run, or is frozen, waits until it can. */
  #isTimerDue({ nowNs, cells }: Slot): boolean {
    const { timerNs, status } = this.#machine.state
    return timerNs !== 0n && timerNs <= nowNs && status === 'running' && outOfCycles(this.#machine, cells) === undefined
  }

  /** A message that somebody signed: the outcome of an effect, or a call. */
  #item(message: GuestMessage, slot: Slot): void {
    const reference = findTag(message.tags, 'X-Reference')
    if (reference !== undefined) {
      if (message.from === this.#post.messengerAddress) this.#own.effectDone(reference, message, slot)
      return
    }
    const call = message.raw === undefined ? fromBase64Url(message.id) : viewOf(message.raw.id).slice()
    this.#native(message, { kind: 'user', call }, slot)
  }

  #push(message: GuestMessage, slot: Slot): void {
    const { fromProcess, tags } = message
    if (fromProcess === undefined) return
    if (findTag(tags, 'X-Reference') !== undefined) {
      const heard = this.#post.heard({ from: fromProcess, tags, data: message.data }, slot)
      if (heard !== undefined) this.#calls.hear(heard.callback, heard.outcome, slot)
      return
    }
    const candid = isCandid(tags)
    const reference = findTag(tags, 'Reference')
    this.#post.learn(fromProcess, principalOf(fromProcess), candid, slot)
    const origin: Origin =
      reference === undefined || Buffer.byteLength(reference) > REFERENCE_MAX_BYTES
        ? { kind: 'nobody' }
        : { kind: 'process', process: fromProcess, reference, candid, depth: message.depth }
    this.#native(message, origin, slot)
  }

  /** A call by tags: of an item or of a push. */
  #native(message: GuestMessage, origin: Origin, slot: Slot): void {
    const { tags } = message
    const request: CallRequest = {
      method: findTag(tags, 'Action') ?? '',
      arg: isCandid(tags) ? message.data : this.#asCandid(message, slot),
      caller: principalOf(message.from),
      origin,
      cycles: origin.kind === 'process' ? cyclesOf(tags) : 0n,
      deadlineNs: origin.kind === 'process' ? deadlineOf(tags) : 0n,
      depth: message.depth,
    }
    if (findTag(tags, 'Canister') === MANAGEMENT) this.#management.take(request, slot)
    else this.#calls.take(request, slot)
  }

  #asCandid({ data }: GuestMessage, slot: Slot): Uint8Array {
    try {
      return jsonToCandid(data, count => slot.spendOnValues(count))
    } catch (error) {
      if (error instanceof MalformedBytes) return data
      throw error
    }
  }

  /** Carries out what the canister told itself, in order, until there is nothing left. */
  #drain(slot: Slot): void {
    for (let step = slot.queue.shift(); step !== undefined; step = slot.queue.shift()) {
      if (step.kind === 'request') this.#calls.take(step.request, slot)
      else this.#calls.hear(step.callback, step, slot)
      if (slot.queue.length === 0) this.#withoutFuel(slot)
    }
  }

  /** Requests that have too little to spend on their way are refused here, where their callbacks can hear of it. */
  #withoutFuel(slot: Slot): void {
    const requests = slot.letters.filter(({ callback }) => callback !== undefined)
    const sending = slot.letters.reduce((sum, letter) => sum + sendingGas(letter), 0n)
    if (requests.length === 0 || slot.left - sending >= FUEL_MIN * BigInt(slot.letters.length)) return
    for (const letter of requests) {
      slot.letters.splice(slot.letters.indexOf(letter), 1)
      if (letter.callback === undefined) continue
      this.#post.refuse(
        letter.callback,
        { code: REJECT.transient, error: 'IC0207', message: 'no fuel left for the call' },
        slot,
      )
    }
  }

  /**
   * Sends what can go in this slot, and gives the answers that can; what cannot has a slot of its own later. A message that waits leaves
   * only there, where it has the fuel of a whole slot: one with little would take it along to nowhere.
   */
  #flush(slot: Slot): readonly UserAnswer[] {
    this.#withoutFuel(slot)
    this.#drain(slot)
    const { answers, cells, message, context } = slot
    const isTheirs = message.kind === 'tick' && message.timer === LEAVING_TIMER
    const waited = LETTERS.waits(cells) || ANSWERS.waits(cells)
    const goes = this.#leaving(slot, isTheirs)
    const told = answers.length === 0 && !isTheirs ? answers : ANSWERS.take(cells, answers)
    for (const letter of goes) {
      slot.spend(sendingGas(letter))
      const { to, tags, data, depth, callback } = letter
      context.send({ to, tags, data, depth, always: callback === undefined })
    }
    // Set anew by every message, it would never ring.
    const isSet = waited && !isTheirs
    if (!isSet && (LETTERS.waits(cells) || ANSWERS.waits(cells))) context.setTimer(LEAVING_TIMER, message.timestampMs)
    return told
  }

  #leaving({ cells, letters }: Slot, isTheirs: boolean): readonly Letter[] {
    if (isTheirs) return LETTERS.take(cells, letters)
    if (letters.length === 0) return []
    if (!LETTERS.waits(cells)) return LETTERS.take(cells, letters)
    LETTERS.add(cells, letters)
    return []
  }
}

const MANAGEMENT = principalText(NO_BYTES)
/** Gas of taking a message, and of sending one. */
const DELIVER_GAS = 2_000n
const SEND_GAS = 10_000n

const sendingGas = ({ data }: Letter): bigint => SEND_GAS + 8n * BigInt(data.length)

const clip = (gas: bigint, max: bigint): bigint => (gas > max ? max : gas)
