import type { Stream } from '@libp2p/interface'
import { type CallOptions, Failure, type KeyId, PEER_UNREAD_MAX, type PeerOperationRow } from '../../protocol/index.ts'
import { FrameTooLong } from './frame-reader.ts'
import { FramedStream, PeerStalled } from './framed-stream.ts'
import { IncomingCalls, type Serve } from './incoming-calls.ts'
import { decodeLinkFrame } from './link-frame.ts'
import { OutgoingCalls } from './outgoing-calls.ts'
import { PartsLane } from './parts-lane.ts'
import type { Offence } from '../peers/standing.ts'

const RETIRE_MS = 2_000

export interface PeerLinkParts {
  readonly stream: Stream
  readonly peer: KeyId
  /** Whether this node opened the stream. */
  readonly isOpener: boolean
  readonly serve: Serve
  /** So much may wait for the peer now. */
  readonly queueMaxBytes: () => number
  /** The peer sent what no honest one would. */
  readonly offence: (offence: Offence, what: string) => void
  /** So many bytes were read or written. */
  readonly carried: (received: number, sent: number) => void
  readonly closed: (link: PeerLink) => void
}

/** The one stream between this node and a peer: both ask over it, and both answer. */
export class PeerLink {
  readonly peer: KeyId
  readonly isOpener: boolean
  readonly #parts: PeerLinkParts
  readonly #framed: FramedStream
  readonly #outgoing: OutgoingCalls
  readonly #incoming: IncomingCalls
  readonly #lane: PartsLane
  #open = true
  #retired = false
  #paused = false

  constructor(parts: PeerLinkParts) {
    this.peer = parts.peer
    this.isOpener = parts.isOpener
    this.#parts = parts
    this.#framed = new FramedStream({
      stream: parts.stream,
      frame: bytes => this.#take(bytes),
      written: bytes => {
        parts.carried(0, bytes)
        this.#written()
      },
      ended: error => this.#ended(error),
    })
    this.#lane = new PartsLane(this.#framed, parts.queueMaxBytes)
    this.#outgoing = new OutgoingCalls(this.#lane)
    this.#incoming = new IncomingCalls({
      from: parts.peer,
      lane: this.#lane,
      serve: parts.serve,
      begun: () => this.#goOn(),
      offence: parts.offence,
    })
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Calls under way, in and out. */
  get underWay(): { readonly incoming: number; readonly outgoing: number } {
    return { incoming: this.#incoming.underWay, outgoing: this.#outgoing.underWay }
  }

  /** As `OutgoingCalls.one`. */
  async one(operation: string, row: PeerOperationRow, payload: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    try {
      return await this.#outgoing.one(operation, row, payload, options)
    } finally {
      this.#closeIfDone()
    }
  }

  /** As `OutgoingCalls.many`. */
  async *many(
    operation: string,
    row: PeerOperationRow,
    payload: Uint8Array,
    options?: CallOptions,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#outgoing.many(operation, row, payload, options)
    } finally {
      this.#closeIfDone()
    }
  }

  /** Another stream took its place: it ends once nothing is under way. */
  retire(): void {
    // The other side may be asking over it at this very moment.
    setTimeout(() => {
      this.#retired = true
      this.#closeIfDone()
    }, RETIRE_MS).unref()
  }

  close(): void {
    this.#framed.end()
  }

  /** Ends it at once. */
  abort(reason: Error): void {
    this.#framed.abort(reason)
  }

  #take(bytes: Uint8Array): void {
    this.#parts.carried(bytes.length, 0)
    try {
      const frame = decodeLinkFrame(bytes)
      if (frame.kind === 'answer' || frame.kind === 'failure' || frame.kind === 'end') this.#outgoing.take(frame)
      else this.#incoming.take(frame)
    } catch (error) {
      this.#parts.offence('malformed', error instanceof Error ? error.message : String(error))
      throw error
    }
    if (!this.#paused && this.#isTooMuch(1)) {
      this.#paused = true
      this.#framed.pause()
    }
  }

  /** Whether it asks faster than it takes the answers, or than its turns come. */
  #isTooMuch(share: number): boolean {
    return (
      this.#framed.waitingBytes > this.#parts.queueMaxBytes() * share || this.#incoming.unread > PEER_UNREAD_MAX * share
    )
  }

  #goOn(): void {
    if (!this.#paused || this.#isTooMuch(0.5)) return
    this.#paused = false
    this.#framed.resume()
  }

  #written(): void {
    this.#lane.written()
    this.#goOn()
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (!this.#retired || !this.#open) return
    if (this.#outgoing.underWay + this.#incoming.underWay + this.#framed.waitingBytes === 0) this.close()
  }

  #ended(error: Error | undefined): void {
    this.#open = false
    if (error instanceof PeerStalled) this.#parts.offence('stalled', error.message)
    if (error instanceof FrameTooLong) this.#parts.offence('over-limit', error.message)
    this.#lane.close()
    this.#incoming.close()
    this.#outgoing.close(new Failure('unreachable', { peer: this.peer }, { cause: error }))
    this.#parts.closed(this)
  }
}
