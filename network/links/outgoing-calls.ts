import {
  type CallOptions,
  concatBytes,
  decodeFailure,
  Failure,
  PEER_CALL_DEFAULT_MS,
  PEER_CALLS_MAX,
  PEER_CREDIT,
  type PeerOperationRow,
} from '../../protocol/index.ts'
import type { LinkFrame } from './link-frame.ts'
import type { PartsLane } from './parts-lane.ts'

interface Asked {
  readonly maxBytes: number
  readonly answer: (payload: Uint8Array) => void
  readonly over: (error: unknown) => void
  parts: Uint8Array[]
  bytes: number
}

/** What this node asks of one peer, and waits for. */
export class OutgoingCalls {
  readonly #lane: PartsLane
  readonly #asked = new Map<number, Asked>()
  #next = 0
  #closed: Failure | undefined

  constructor(lane: PartsLane) {
    this.#lane = lane
  }

  get underWay(): number {
    return this.#asked.size
  }

  /** Asks for one answer. @throws {Failure} what the peer answered, `timeout`, `aborted`, `unreachable`, `busy`, `too-large` */
  one(
    operation: string,
    row: Pick<PeerOperationRow, 'answerMaxBytes'>,
    payload: Uint8Array,
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    let id = -1
    const { signal, timeoutMs = PEER_CALL_DEFAULT_MS } = options
    const stop = (): void => this.#give(id, new Failure('aborted', { operation }))
    const timer = setTimeout(() => this.#give(id, new Failure('timeout', { operation })), timeoutMs)
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
    const over = (error: unknown): void => {
      settle()
      reject(error ?? new Failure('internal', { operation }, { note: 'the peer ended its answers without one' }))
    }
    const answer = (bytes: Uint8Array): void => {
      this.#asked.delete(id)
      settle()
      resolve(bytes)
    }
    try {
      if (signal?.aborted === true) throw new Failure('aborted', { operation })
      id = this.#ask(operation, timeoutMs, payload, {
        maxBytes: row.answerMaxBytes,
        answer,
        over,
        parts: [],
        bytes: 0,
      })
      signal?.addEventListener('abort', stop, { once: true })
    } catch (error) {
      over(error)
    }
    return promise
  }

  /** Asks for answers until the caller ends it; the peer stands still while nobody takes them. @throws {Failure} as `one` */
  async *many(
    operation: string,
    row: Pick<PeerOperationRow, 'answerMaxBytes'>,
    payload: Uint8Array,
    { signal }: CallOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const ready: Uint8Array[] = []
    let ended: { readonly error: unknown } | undefined
    let wake: () => void = () => undefined
    if (signal?.aborted === true) return
    const id = this.#ask(operation, 0, payload, {
      maxBytes: row.answerMaxBytes,
      answer(bytes) {
        if (ready.length >= 2 * PEER_CREDIT) throw new TypeError('more answers than were asked for')
        ready.push(bytes)
        wake()
      },
      over(error) {
        ended = { error }
        wake()
      },
      parts: [],
      bytes: 0,
    })
    const stop = (): void => this.#give(id, undefined)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      for (let taken = 0; ; ) {
        const answer = ready.shift()
        if (answer !== undefined) {
          taken += 1
          if (taken % (PEER_CREDIT / 2) === 0) this.#lane.send({ kind: 'credit', id, count: PEER_CREDIT / 2 })
          yield answer
        } else if (ended === undefined) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        } else if (ended.error === undefined) return
        else throw ended.error
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#give(id, undefined)
    }
  }

  /** An answer came. @throws TypeError if nothing like it was asked */
  take(frame: Extract<LinkFrame, { kind: 'answer' | 'failure' | 'end' }>): void {
    const asked = this.#asked.get(frame.id)
    if (asked === undefined) {
      if (frame.id >= this.#next) throw new TypeError('an answer to what nobody asked')
      return
    }
    if (frame.kind === 'end') return this.#settle(frame.id, asked, undefined)
    if (frame.kind === 'failure') return this.#settle(frame.id, asked, decodeFailure(frame.payload))
    asked.bytes += frame.payload.length
    if (asked.bytes > asked.maxBytes)
      return this.#give(frame.id, new Failure('too-large', { bytes: asked.bytes, max: asked.maxBytes }))
    if (frame.more) asked.parts.push(frame.payload)
    else {
      const whole = asked.parts.length === 0 ? frame.payload : concatBytes(...asked.parts, frame.payload)
      asked.parts = []
      asked.bytes = 0
      asked.answer(whole)
    }
  }

  /** The way to the peer is gone: everything that waits fails. */
  close(failure: Failure): void {
    this.#closed = failure
    for (const [id, asked] of this.#asked) this.#settle(id, asked, failure)
  }

  #ask(operation: string, waitMs: number, payload: Uint8Array, asked: Asked): number {
    if (this.#closed !== undefined) throw this.#closed
    if (this.#asked.size >= PEER_CALLS_MAX || this.#lane.isFull) throw new Failure('busy', { operation })
    const id = this.#next++
    this.#asked.set(id, asked)
    this.#lane.ask(id, operation, Math.ceil(waitMs), payload)
    return id
  }

  /** Nobody waits for it any more. */
  #give(id: number, reason: Failure | undefined): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    this.#lane.dropAsk(id)
    this.#lane.send({ kind: 'cancel', id })
    this.#settle(id, asked, reason)
  }

  #settle(id: number, asked: Asked, error: unknown): void {
    this.#asked.delete(id)
    asked.over(error)
  }
}
