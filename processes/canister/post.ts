import {
  asProcessId,
  type CanisterAnswer,
  concatBytes,
  DEPTH_MAX,
  equalBytes,
  findTag,
  fromBase64Url,
  isId,
  joinBytes,
  mayNameProcess,
  principalText,
  type ProcessDescription,
  type ProcessId,
  sha256,
  type Tag,
  toBase64Url,
  toHex,
  toUtf8,
} from '../../protocol/index.ts'
import {
  LETTERS_PER_SLOT_MAX_BYTES,
  LOCAL_STEPS_MAX,
  METHOD_TAG_MAX_BYTES,
  PAYLOAD_MAX_BYTES,
  REJECT_TEXT_MAX,
} from './bounds.ts'
import { REJECT, type Reject, Rejected } from './canister-trap.ts'
import type { Outcome } from './calls-taken.ts'
import { CANDID, cyclesOf, JSON_TYPE, readAnswer, tellAnswer } from './answers-told.ts'
import { candidToJson, namesIn } from './candid-json.ts'
import { serviceOf } from './code.ts'
import { awaitOutside, noteDeadline } from './deadlines.ts'
import type { CallDraft } from './execution.ts'
import type { Machine } from './machine.ts'
import { unknownMethod } from './management/unknown-method.ts'
import { type CallContext, getCallback, type Origin, putCallback } from './records.ts'
import type { KnownProcess, Slot } from './slot.ts'
import { putWaiting, type Request, takeWaiting } from './waiting-calls.ts'

/** Processes by principal. */
const KNOWN = 'p/'
/** References of requests to find one. */
export const FIND = 'find/'

/** A management call that a canister makes and that is carried out where it is made. */
export type LocalManagement = (
  draft: { method: string; arg: Uint8Array; cycles: bigint; callback: number; version: bigint },
  slot: Slot,
) => boolean

/**
 * What goes out of a canister and comes back: requests and answers between processes.
 *
 * 1. Every call has one answer: a reply, a reject, or a reject made here when it cannot go.
 * 2. Calls to one process go in the order in which they were made, those that wait for it to be found too.
 * 3. An answer always goes, however little is left to spend; nothing that it causes has more.
 */
export class Post {
  readonly #machine: Machine
  readonly #process: ProcessDescription
  readonly #manage: LocalManagement
  /** The unit that does for the canister what is outside of it. */
  readonly messenger: string
  readonly messengerAddress: string

  constructor(machine: Machine, process: ProcessDescription, manage: LocalManagement) {
    this.#machine = machine
    this.#process = process
    this.#manage = manage
    this.messenger = findTag(process.tags, 'Messenger') ?? process.policy.schedulers[0] ?? ''
    this.messengerAddress = isId(this.messenger) ? toBase64Url(sha256(fromBase64Url(this.messenger))) : ''
  }

  /** Makes a call that the canister assembled. */
  perform(draft: CallDraft, context: CallContext, slot: Slot): void {
    const { state } = this.#machine
    const id = state.nextCallback
    const deadlineNs = draft.timeoutS === undefined ? 0n : slot.nowNs + BigInt(draft.timeoutS) * 1_000_000_000n
    this.#machine.change({ nextCallback: id + 1, openCallbacks: state.openCallbacks + 1 })
    if (deadlineNs !== 0n) noteDeadline(this.#machine, deadlineNs)
    const { reply, reject, cleanup, cycles, callee, method } = draft
    const keep = (process: ProcessId | undefined): void =>
      putCallback(slot.cells, {
        id,
        context: context.id,
        reply,
        reject,
        cleanup,
        cycles,
        deadlineNs,
        callee: process,
        outside: undefined,
      })
    const arg = joinBytes(draft.arg)
    const depth = context.depth + 1
    if (callee.length === 0) {
      keep(undefined)
      if (!this.#manage({ method, arg, cycles, callback: id, version: draft.version }, slot)) {
        this.refuse(id, unknownMethod(method), slot)
      }
      return
    }
    if (equalBytes(callee, this.#machine.names.self) && slot.localSteps < LOCAL_STEPS_MAX) {
      slot.localSteps += 1
      keep(undefined)
      const request = {
        method,
        arg,
        caller: callee,
        origin: { kind: 'self', callback: id } as const,
        cycles,
        deadlineNs,
        depth: context.depth,
      }
      slot.queue.push({ kind: 'request', request })
      return
    }
    keep(undefined)
    this.request({ callback: id, callee, method, arg, cycles, deadlineNs, depth, isManagement: false }, slot)
  }

  /** Sends a request to whom `callee` names, once it is known. */
  request(request: Request, slot: Slot): void {
    if (request.depth > DEPTH_MAX) {
      this.refuse(
        request.callback,
        { code: REJECT.transient, error: 'IC0205', message: `calls nested deeper than ${DEPTH_MAX}` },
        slot,
      )
      return
    }
    const known = this.#find(request.callee, slot)
    if (known !== undefined) this.#send(request, known, slot)
    else this.#await(request, slot)
  }

  #send(request: Request, { process, candid }: KnownProcess, slot: Slot): void {
    const callback = getCallback(slot.cells, request.callback)
    if (callback === undefined) return
    putCallback(slot.cells, { ...callback, callee: process, outside: undefined })
    if (toUtf8(request.method).length > METHOD_TAG_MAX_BYTES) {
      const message = `a name of a method has at most ${METHOD_TAG_MAX_BYTES} bytes between processes`
      this.refuse(request.callback, { code: REJECT.canister, error: 'IC0408', message }, slot)
      return
    }
    let data = request.arg
    if (!candid) {
      try {
        data = candidToJson(request.arg, this.#names(slot), count => slot.spendOnValues(count))
        if (data.length > PAYLOAD_MAX_BYTES) throw new RangeError(`${data.length} bytes`)
      } catch (error) {
        const message = `the argument cannot be told as JSON: ${error instanceof Error ? error.message : ''}`
        this.refuse(request.callback, { code: REJECT.error, error: 'IC0504', message }, slot)
        return
      }
    }
    const tags: Tag[] = [
      { name: 'Action', value: request.method },
      { name: 'Reference', value: String(request.callback) },
      candid ? CANDID : JSON_TYPE,
    ]
    if (request.cycles > 0n) tags.push({ name: 'Cycles', value: String(request.cycles) })
    if (request.deadlineNs > 0n) tags.push({ name: 'Deadline', value: String(request.deadlineNs) })
    if (request.isManagement) tags.push({ name: 'Canister', value: principalText(new Uint8Array(0)) })
    slot.send({ to: process, tags, data, depth: request.depth, callback: request.callback })
  }

  /** A call that cannot go hears of it as of any answer. */
  refuse(callback: number, reject: Reject, slot: Slot): void {
    const cycles = getCallback(slot.cells, callback)?.cycles ?? 0n
    slot.queue.push({ kind: 'answer', callback, answer: { reject }, refund: cycles })
  }

  /** Tells whoever waits what came of a call. */
  answer(origin: Origin, outcome: Outcome, slot: Slot): void {
    const { refund } = outcome
    const answer = withBoundedText(outcome.answer)
    switch (origin.kind) {
      case 'user':
        slot.answers.push([origin.call, answer])
        break
      case 'process':
        this.#reply(origin, answer, refund, slot)
        return
      case 'self':
        slot.queue.push({ kind: 'answer', callback: origin.callback, answer, refund })
        return
      case 'nobody':
        break
    }
    if (refund > 0n) this.#machine.change({ cycles: this.#machine.state.cycles + refund })
  }

  #reply(
    { process, reference, candid, depth }: Extract<Origin, { kind: 'process' }>,
    answer: CanisterAnswer,
    refund: bigint,
    slot: Slot,
  ): void {
    const { tags, data } = tellAnswer(
      answer,
      candid,
      () => this.#names(slot),
      count => slot.spendOnValues(count),
    )
    tags.push({ name: 'X-Reference', value: reference })
    if (refund > 0n) tags.push({ name: 'Cycles', value: String(refund) })
    slot.send({ to: process, tags, data, depth, callback: undefined })
  }

  /** The answer in a push, if it is one to a call of the canister's. */
  heard(
    message: { from: ProcessId; tags: readonly Tag[]; data: Uint8Array },
    slot: Slot,
  ): { callback: number; outcome: Outcome } | undefined {
    const callback = Number(findTag(message.tags, 'X-Reference'))
    const known = Number.isSafeInteger(callback) ? getCallback(slot.cells, callback) : undefined
    if (known === undefined || known.callee !== message.from) return undefined
    const answer = readAnswer(message.tags, message.data, count => slot.spendOnValues(count))
    return { callback, outcome: { answer, refund: cyclesOf(message.tags) } }
  }

  /** A process that is heard from need not be looked for. */
  learn(process: ProcessId, principal: Uint8Array, candid: boolean, slot: Slot): void {
    const key = KNOWN + toHex(principal)
    if (slot.cells.get(key) !== undefined) return
    slot.cells.set(key, concatBytes(fromBase64Url(process), Uint8Array.of(candid ? 1 : 0)))
  }

  #find(principal: Uint8Array, slot: Slot): KnownProcess | undefined {
    if (equalBytes(principal, this.#machine.names.self)) return { process: this.#process.id, candid: true }
    const bytes = slot.cells.get(KNOWN + toHex(principal))
    if (bytes === undefined) return undefined
    return { process: asProcessId(toBase64Url(bytes.subarray(0, 32))), candid: bytes[32] === 1 }
  }

  /** Has a call wait until its process is found; the first that waits has it looked for. */
  #await(request: Request, slot: Slot): void {
    if (!mayNameProcess(request.callee)) {
      this.refuse(request.callback, notFound(request.callee), slot)
      return
    }
    awaitOutside(this.#machine, request.callback, request.callee, slot)
    if (!putWaiting(slot.cells, request)) return
    const principal = principalText(request.callee)
    this.effect('canister.find', FIND + principal, { principal }, request.depth, slot)
  }

  /** Asks the messenger unit for something outside. @throws {Rejected} if it is too large */
  effect(name: string, reference: string, input: unknown, depth: number, slot: Slot): void {
    const tags: Tag[] = [
      { name: 'Action', value: 'Effect' },
      { name: 'Effect', value: name },
      { name: 'Reference', value: reference },
    ]
    const data = toUtf8(JSON.stringify(input))
    if (data.length > LETTERS_PER_SLOT_MAX_BYTES)
      throw new Rejected('IC0408', 'too much for the outside', REJECT.canister)
    slot.send({ to: this.messenger, tags, data, depth, callback: undefined })
  }

  /** Takes what the messenger unit says of a principal: the calls that waited for it go, or are refused. */
  found(principal: Uint8Array, told: KnownProcess | Reject, slot: Slot): void {
    if ('process' in told) this.learn(told.process, principal, told.candid, slot)
    for (
      let waiting = takeWaiting(slot.cells, principal);
      waiting.length > 0;
      waiting = takeWaiting(slot.cells, principal)
    ) {
      for (const request of waiting) {
        if ('process' in told) this.#send(request, told, slot)
        else this.refuse(request.callback, told, slot)
      }
    }
  }

  /** Names of fields that the canister's own interface knows. */
  #names(slot: Slot): ReadonlyMap<number, string> {
    const code = this.#machine.code(slot.cells)
    return namesIn(code === undefined ? '' : serviceOf(code))
  }
}

function withBoundedText(answer: CanisterAnswer): CanisterAnswer {
  const { reject } = answer
  if (reject === undefined || reject.message.length <= REJECT_TEXT_MAX) return answer
  return { reject: { ...reject, message: reject.message.slice(0, REJECT_TEXT_MAX).toWellFormed() } }
}

export const notFound = (principal: Uint8Array): Reject => ({
  code: REJECT.destination,
  error: 'IC0301',
  message: `Canister ${principalText(principal)} not found`,
})
