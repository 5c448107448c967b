import {
  concatBytes,
  encodeFailure,
  Failure,
  type KeyId,
  MalformedBytes,
  PEER_CREDIT,
  PEER_REQUESTS_MAX,
  PEER_REQUESTS_MAX_BYTES,
  PEER_TURN_MAX_MS,
  PEER_UNREAD_MAX,
  type PeerCall,
  type PeerOperationRow,
} from '../../protocol/index.ts'
import type { AtOnce } from './at-once.ts'
import type { FairShare, Share } from './fair-share.ts'
import type { LinkFrame } from './link-frame.ts'
import type { PartsLane } from './parts-lane.ts'
import type { Offence } from '../peers/standing.ts'

/** Carries out what a peer asks for, as bytes. */
export interface Serve {
  readonly atOnce: AtOnce
  /** Room for the bytes of requests of all peers. */
  readonly room: FairShare
  row(operation: string): PeerOperationRow | undefined
  /** @throws {Failure}; {MalformedBytes} if the payload is not of the operation's shape */
  one(operation: string, payload: Uint8Array, call: PeerCall): Promise<Uint8Array>
  many(operation: string, payload: Uint8Array, call: PeerCall): AsyncIterable<Uint8Array>
}

export interface IncomingCallsParts {
  readonly from: KeyId
  readonly lane: PartsLane
  readonly serve: Serve
  /** Some of what was asked was begun, after a wait. */
  readonly begun: () => void
  /** The peer sent what no honest one would. */
  readonly offence: (offence: Offence, what: string) => void
}

/** A request of a peer, while it is under way. Its signal is made when somebody first asks for it. */
class Call implements PeerCall {
  readonly from: KeyId
  readonly operation: string
  readonly timeoutMs: number | undefined
  parts: Uint8Array[] = []
  bytes = 0
  credit = PEER_CREDIT
  creditCame: () => void = () => undefined
  /** Takes it back, if it waits its turn. */
  takeBack: () => void = () => undefined
  #aborter: AbortController | undefined
  #aborted = false

  constructor(from: KeyId, operation: string, waitMs: number) {
    this.from = from
    this.operation = operation
    this.timeoutMs = waitMs === 0 ? undefined : waitMs
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController()
    if (this.#aborted) this.#aborter.abort(new Failure('aborted'))
    return this.#aborter.signal
  }

  get isAborted(): boolean {
    return this.#aborted
  }

  abort(): void {
    this.#aborted = true
    this.#aborter?.abort(new Failure('aborted'))
    this.creditCame()
  }
}

/** What one peer asks of this node. */
export class IncomingCalls {
  readonly #parts: IncomingCallsParts
  readonly #atOnce: ReturnType<AtOnce['forPeer']>
  readonly #calls = new Map<number, Call>()
  /** Refused while parts of them are still on their way. */
  readonly #refused = new Set<number>()
  /** Those of which the peer was not told yet. */
  #refusing = 0
  readonly #room: Share
  #next = 0
  #ready: (() => void)[] = []
  #readyAt = 0
  #turnEndMs: number | undefined

  constructor(parts: IncomingCallsParts) {
    this.#parts = parts
    this.#atOnce = parts.serve.atOnce.forPeer()
    this.#room = parts.serve.room.open()
  }

  /** What the peer waits for. */
  get underWay(): number {
    return this.#calls.size + this.#refusing
  }

  /** Requests that were read and not begun. */
  get unread(): number {
    return this.#ready.length - this.#readyAt
  }

  /** @throws TypeError on what no honest peer would send */
  take(frame: Extract<LinkFrame, { kind: 'ask' | 'ask-part' | 'cancel' | 'credit' }>): void {
    if (frame.kind === 'ask') return this.#ask(frame)
    const call = this.#calls.get(frame.id)
    if (frame.kind === 'cancel') {
      this.#refused.delete(frame.id)
      if (call !== undefined) this.#cancel(frame.id, call)
    } else if (frame.kind === 'credit') {
      if (call === undefined) return
      call.credit = Math.min(call.credit + frame.count, PEER_CREDIT)
      call.creditCame()
    } else if (call === undefined) {
      if (!this.#refused.has(frame.id)) throw new TypeError('a part of a request that was not begun')
      if (!frame.more) this.#refused.delete(frame.id)
    } else this.#add(frame.id, call, frame)
  }

  /** Begins what was asked, for a while in each turn of the event loop; then others have theirs. */
  #begin(): void {
    if (this.#turnEndMs === undefined) {
      this.#turnEndMs = performance.now() + PEER_TURN_MAX_MS
      setImmediate(() => {
        this.#turnEndMs = undefined
        if (this.unread > 0) this.#begin()
        this.#parts.begun()
      })
    }
    while (this.#readyAt < this.#ready.length && performance.now() < this.#turnEndMs) {
      this.#ready[this.#readyAt++]?.()
    }
    if (this.#readyAt < this.#ready.length && this.#readyAt < PEER_UNREAD_MAX) return
    this.#ready = this.#ready.slice(this.#readyAt)
    this.#readyAt = 0
  }

  /** The peer is gone: nobody waits for what is under way. */
  close(): void {
    this.#ready = []
    this.#readyAt = 0
    this.#refusing = 0
    for (const [id, call] of this.#calls) this.#cancel(id, call)
    this.#room.close()
  }

  #ask(frame: Extract<LinkFrame, { kind: 'ask' }>): void {
    if (frame.id < this.#next) throw new TypeError('the id of a request was used before')
    this.#next = frame.id + 1
    // What is refused waits, too, and must not keep what was asked.
    const { operation } = frame
    const row = this.#parts.serve.row(operation)
    if (row === undefined) return this.#refuse(frame, () => new Failure('not-found', { operation }))
    if (this.#calls.size >= PEER_REQUESTS_MAX) return this.#refuse(frame, () => new Failure('busy', { operation }))
    const call = new Call(this.#parts.from, operation, frame.waitMs)
    this.#calls.set(frame.id, call)
    this.#add(frame.id, call, frame)
  }

  #add(id: number, call: Call, frame: Extract<LinkFrame, { kind: 'ask' | 'ask-part' }>): void {
    const row = this.#parts.serve.row(call.operation)
    const bytes = call.bytes + frame.payload.length
    if (row === undefined || bytes > row.requestMaxBytes) {
      this.#forget(id, call)
      this.#parts.offence('over-limit', 'a request longer than its operation takes')
      const max = row?.requestMaxBytes ?? 0
      return this.#refuse({ id, more: frame.more }, () => new Failure('too-large', { bytes, max }))
    }
    const isTooMuch = this.#room.taken + frame.payload.length > PEER_REQUESTS_MAX_BYTES
    if (isTooMuch || !this.#room.take(frame.payload.length)) {
      this.#forget(id, call)
      return this.#refuse({ id, more: frame.more }, () => new Failure('busy', { operation: call.operation }))
    }
    call.bytes = bytes
    call.parts.push(frame.payload)
    if (frame.more) return
    this.#ready.push(() => {
      if (this.#calls.get(id) !== call) return
      const run = (): Promise<void> => this.#run(id, call, row)
      if (row.atOnce === undefined) void run()
      else call.takeBack = this.#atOnce(call.operation, row.atOnce, run)
    })
    this.#begin()
  }

  /** What was asked is with the call alone until here: who cancels has nothing held. */
  async #run(id: number, call: Call, row: PeerOperationRow): Promise<void> {
    const { serve, lane, offence } = this.#parts
    if (this.#calls.get(id) !== call) return
    const [first] = call.parts
    const payload = first !== undefined && call.parts.length === 1 ? first : concatBytes(...call.parts)
    call.parts = []
    try {
      if (row.answers === 'many') return await this.#runMany(id, call, payload)
      const answer = await serve.one(call.operation, payload, call)
      if (this.#calls.get(id) !== call) return
      await new Promise<void>(resolve => lane.answer(id, answer, resolve))
      this.#forget(id, call)
    } catch (error) {
      if (error instanceof MalformedBytes)
        offence('malformed', `a request of ${call.operation} that is not of its shape`)
      if (this.#calls.get(id) !== call) return
      this.#forget(id, call)
      lane.send({ kind: 'failure', id, payload: encodeFailure(failureOf(error)) })
    }
  }

  async #runMany(id: number, call: Call, payload: Uint8Array): Promise<void> {
    const { serve, lane } = this.#parts
    for await (const answer of serve.many(call.operation, payload, call)) {
      while (call.credit === 0 && !call.isAborted) {
        await new Promise<void>(resolve => {
          call.creditCame = resolve
        })
      }
      if (call.isAborted) return
      call.credit -= 1
      await new Promise<void>(resolve => lane.answer(id, answer, resolve))
    }
    if (this.#calls.get(id) !== call) return
    this.#forget(id, call)
    lane.send({ kind: 'end', id })
  }

  /** A failure takes as long to make as a short answer: it has its turn, too. */
  #refuse({ id, more }: { readonly id: number; readonly more: boolean }, failure: () => Failure): void {
    if (more) this.#refused.add(id)
    if (this.#refused.size > PEER_REQUESTS_MAX) throw new TypeError('too many requests that were refused go on')
    this.#refusing += 1
    this.#ready.push(() => {
      this.#refusing -= 1
      this.#parts.lane.send({ kind: 'failure', id, payload: encodeFailure(failure()) })
    })
    this.#begin()
  }

  #cancel(id: number, call: Call): void {
    this.#forget(id, call)
    this.#parts.lane.dropAnswer(id)
    call.abort()
  }

  #forget(id: number, call: Call): void {
    if (!this.#calls.delete(id)) return
    this.#room.give(call.bytes)
    call.bytes = 0
    call.parts = []
    call.takeBack()
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof MalformedBytes) return new Failure('malformed-request', {}, { cause: error })
  return Failure.from(error)
}
