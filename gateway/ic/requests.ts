/**
 * What became of requests. All of it can be read from the feed and its results; what was answered lately is kept at hand.
 *
 * 1. Only slots that are durable and evaluated tell anything, so what was told once is true after any crash.
 * 2. An answer may come in a later slot than its request; where it came is noted on disk, or found by looking.
 */
import {
  type CanisterAnswer,
  decodeFrame,
  decodeIngress,
  equalBytes,
  Failure,
  findFrame,
  fromBase64Url,
  IC_ANSWERS_MAX,
  IC_ANSWERS_MAX_BYTES,
  IC_HOLD_MAX_MS,
  IC_LOOKED_AT_MAX,
  IC_REPLAY_WAIT_MAX_MS,
  type MessageId,
  messagesFeed,
  parseDataItem,
  type ProcessDescription,
  type ProcessId,
  requestMessageId,
  type Result,
  type Slot,
} from '../../protocol/index.ts'
import { AnswerNotes } from './answer-notes.ts'
import type { Canisters } from './canisters.ts'
import type { IcFacadeParts } from './parts.ts'
import { Following } from './following.ts'
import { type EvaluatedOutputs, outputOfResult } from './result-output.ts'

/** How far a request has come. */
export type RequestState =
  | { readonly status: 'received' | 'processing' }
  | { readonly status: 'answered'; readonly answer: CanisterAnswer }

interface Waiting {
  readonly slot: Slot
  /** All who wait: who sends a request again waits beside the first. */
  readonly resolvers: Set<(answer: CanisterAnswer) => void>
}

/** Who asked, and whom. */
export interface Asked {
  readonly sender: Uint8Array
  /** Empty: the management canister. */
  readonly canister: Uint8Array
}

/** A request that stands in a feed; in slot 0, one that made its canister. */
export interface FoundRequest extends Asked {
  readonly process: ProcessId
  readonly slot: Slot
  readonly state: RequestState
}

interface Kept extends Asked {
  readonly process: ProcessId
  readonly slot: Slot
  answer: CanisterAnswer | undefined
}

export interface RequestsParts extends Pick<IcFacadeParts, 'log' | 'computer' | 'speaksFor'> {
  readonly canisters: Pick<Canisters, 'find'>
}

export class Requests {
  readonly #parts: RequestsParts
  readonly #kept = new Map<MessageId, Kept>()
  #keptBytes = 0
  readonly #waiting = new Map<ProcessId, Map<MessageId, Waiting>>()
  readonly #following: Following
  readonly #notes: AnswerNotes
  /** Slots before these hold no answer of a request. */
  readonly #looked = new Map<MessageId, Slot>()

  constructor(parts: RequestsParts) {
    this.#parts = parts
    this.#notes = new AnswerNotes(parts.log.store)
    this.#following = new Following(parts.computer, evaluated => this.evaluated(evaluated))
  }

  /** A request has its slot: resolves with its answer, or with nothing when clients had better poll. */
  async answered(
    process: ProcessId,
    id: MessageId,
    place: Asked & { readonly slot: Slot },
  ): Promise<CanisterAnswer | undefined> {
    const kept = this.#kept.get(id)
    if (kept?.process === process && kept.answer !== undefined) return kept.answer
    if (kept === undefined) this.#keep(id, { process, ...place, answer: undefined })
    const { promise, resolve } = Promise.withResolvers<CanisterAnswer | undefined>()
    const waiting = this.#waiting.get(process) ?? new Map<MessageId, Waiting>()
    const entry = waiting.get(id) ?? { slot: place.slot, resolvers: new Set() }
    entry.resolvers.add(resolve)
    waiting.set(id, entry)
    this.#waiting.set(process, waiting)
    const timer = setTimeout(() => resolve(undefined), IC_HOLD_MAX_MS)
    try {
      using _followed = await this.#followed(process, place.slot)
      // It may have been evaluated before anybody watched for it.
      if ((await this.#parts.computer.evaluated(process)) > place.slot) {
        const state = await this.state(process, id)
        if (state?.state.status === 'answered') return this.#answer(process, id, state.state.answer)
      }
      return await promise
    } finally {
      clearTimeout(timer)
      entry.resolvers.delete(resolve)
      if (entry.resolvers.size === 0 && waiting.get(id) === entry) waiting.delete(id)
      if (waiting.size === 0 && this.#waiting.get(process) === waiting) this.#waiting.delete(process)
    }
  }

  /** Answers stand in results. */
  evaluated({ process, firstSlot, outputs }: EvaluatedOutputs): void {
    const waiting = this.#waiting.get(process)
    if (waiting === undefined) return
    for (const [i, { result, output }] of outputs().entries()) {
      for (const [call, answer] of output?.answers ?? []) {
        const id = requestMessageId(call)
        const entry = waiting.get(id)
        if (entry === undefined) continue
        if (entry.slot !== firstSlot + i) this.#notes.put(id, process, firstSlot + i)
        this.#answer(process, id, answer)
      }
      const failed = output === undefined ? failureOf(result) : undefined
      if (failed === undefined) continue
      for (const [id, entry] of waiting) if (entry.slot === firstSlot + i) this.#answer(process, id, failed)
    }
  }

  /** The process that a request made, or is about to make: whoever asks for it knows the request alone. */
  async madeBy(id: MessageId): Promise<ProcessId | undefined> {
    return (await this.#notes.get(id))?.process
  }

  /** A request makes this process; resolves when that is known for good. */
  async makes(id: MessageId, process: ProcessId): Promise<void> {
    this.#notes.put(id, process, 0)
    await this.#notes.flush()
  }

  /** What became of a request of a canister, or of one that made some canister, and who made it; nothing, if it stands nowhere. */
  async find(id: MessageId, principal: Uint8Array | undefined): Promise<FoundRequest | undefined> {
    const noted = this.#kept.get(id)?.process ?? (await this.#notes.get(id))?.process
    const process = noted ?? (principal && (await this.#parts.canisters.find(principal))?.process.id)
    return process === undefined ? undefined : this.state(process, id)
  }

  /** The same, of a request in the feed of this process. */
  async state(process: ProcessId, id: MessageId): Promise<FoundRequest | undefined> {
    const kept = this.#kept.get(id)
    if (kept?.process === process && kept.answer !== undefined) {
      return { ...askedOf(kept), process, slot: kept.slot, state: { status: 'answered', answer: kept.answer } }
    }
    const description = await this.#parts.log.directory.process(process)
    if (description === undefined) return undefined
    const slot = kept?.process === process ? kept.slot : await this.#slotOf(description, id)
    if (slot === undefined) return undefined
    const asked = kept ?? (await this.#askedAt(description, slot, id))
    return asked && { ...askedOf(asked), process, slot, state: await this.#stateAt(process, slot, id) }
  }

  /** Of processes that this node does not speak for, nobody tells what was evaluated. */
  async #followed(process: ProcessId, slot: Slot): Promise<Disposable | undefined> {
    const { log, speaksFor } = this.#parts
    const description = log.directory.processAtHand(process) ?? (await log.directory.process(process))
    return description === undefined || speaksFor(description) ? undefined : this.#following.from(process, slot)
  }

  async #slotOf({ id: process }: ProcessDescription, id: MessageId): Promise<Slot | undefined> {
    const slot = await this.#parts.log.messages.slotOf(process, id)
    // A request that made its canister stands in slot 0, inside of the spawn, under the spawn's id.
    return slot ?? 0
  }

  async #askedAt(process: ProcessDescription, slot: Slot, id: MessageId): Promise<Asked | undefined> {
    const frame = await findFrame(this.#parts.log, messagesFeed(process), slot)
    const envelope = frame && decodeFrame(frame.bytes).assignments[slot - frame.firstSlot]?.envelope
    if (envelope?.kind === 'ingress') return decodeIngress(envelope.bytes).request
    if (envelope?.kind !== 'item' || slot !== 0) return undefined
    try {
      const request = decodeIngress(parseDataItem(envelope.item).data)
      return requestMessageId(request.id) === id ? request.request : undefined
    } catch {
      return undefined
    }
  }

  async #stateAt(process: ProcessId, slot: Slot, id: MessageId): Promise<RequestState> {
    const { computer } = this.#parts
    if (!(await this.#isEvaluatedSoon(process, slot))) return { status: 'received' }
    const evaluated = await computer.evaluated(process)
    const late = (await this.#notes.get(id))?.slot
    const call = fromBase64Url(id)
    const own = await computer.result(process, late ?? slot)
    const answer = answerIn(own, call) ?? (outputOfResult(own) === undefined ? failureOf(own) : undefined)
    if (answer !== undefined) return { status: 'answered', answer }
    const to = Math.min(evaluated, slot + IC_LOOKED_AT_MAX)
    const from = Math.max(slot + 1, this.#looked.get(id) ?? 0)
    for await (const result of computer.results(process, from, to)) {
      const found = answerIn(result, call)
      if (found === undefined) continue
      this.#notes.put(id, process, result.slot)
      return { status: 'answered', answer: found }
    }
    this.#lookedAt(id, to)
    return { status: 'processing' }
  }

  /** Whoever polls has what is new looked through, not all of it again. */
  #lookedAt(id: MessageId, to: Slot): void {
    this.#looked.delete(id)
    this.#looked.set(id, to)
    const [oldest] = this.#looked.keys()
    if (this.#looked.size > IC_ANSWERS_MAX && oldest !== undefined) this.#looked.delete(oldest)
  }

  /** After a start the feed is evaluated again; what was certified before must not look as if it never was. */
  async #isEvaluatedSoon(process: ProcessId, slot: Slot): Promise<boolean> {
    const { computer } = this.#parts
    if (slot < (await computer.evaluated(process))) return true
    try {
      await computer.result(process, slot, { timeoutMs: IC_REPLAY_WAIT_MAX_MS })
      return true
    } catch (error) {
      if (Failure.is(error) && error.code === 'timeout') return false
      throw error
    }
  }

  #answer(process: ProcessId, id: MessageId, answer: CanisterAnswer): CanisterAnswer {
    const kept = this.#kept.get(id)
    if (kept?.process === process && kept.answer === undefined) {
      kept.answer = answer
      this.#keptBytes += sizeOf(answer)
      this.#sweep()
    }
    for (const resolve of this.#waiting.get(process)?.get(id)?.resolvers ?? []) resolve(answer)
    return answer
  }

  #keep(id: MessageId, kept: Kept): void {
    this.#kept.set(id, kept)
    this.#sweep()
  }

  #sweep(): void {
    while (this.#kept.size > IC_ANSWERS_MAX || this.#keptBytes > IC_ANSWERS_MAX_BYTES) {
      const [oldest] = this.#kept
      if (oldest === undefined) return
      this.#kept.delete(oldest[0])
      if (oldest[1].answer !== undefined) this.#keptBytes -= sizeOf(oldest[1].answer)
    }
  }
}

const askedOf = ({ sender, canister }: Asked): Asked => ({ sender, canister })

function answerIn(result: Result, call: Uint8Array): CanisterAnswer | undefined {
  return outputOfResult(result)?.answers.find(([id]) => equalBytes(id, call))?.[1]
}

/** A slot that no answer can come of: the process broke a limit, or its scheduler took what does not hold. */
function failureOf({ status, error }: Result): CanisterAnswer | undefined {
  if (status === 'ok') return undefined
  const message = error?.message ?? `the slot is ${status}`
  return { reject: { code: 5, message, error: error?.code === 'out-of-gas' ? 'IC0522' : 'IC0504' } }
}

function sizeOf(answer: CanisterAnswer): number {
  return answer.reply?.length ?? 200
}
