import { PEER_PART_BYTES, PEER_QUEUE_MAX_BYTES, PEERS_QUEUE_MAX_BYTES } from '../../protocol/index.ts'
import type { FramedStream } from './framed-stream.ts'
import { encodeLinkFrame, type LinkFrame } from './link-frame.ts'

interface Long {
  readonly id: number
  readonly kind: 'ask' | 'answer'
  readonly payload: Uint8Array
  at: number
  /** All of it is with the stream. */
  readonly sent: () => void
}

/** So much may wait for one of so many peers: those who take nothing are to leave room for the node. */
export function queueMaxBytes(peers: number): number {
  return Math.min(PEER_QUEUE_MAX_BYTES, PEERS_QUEUE_MAX_BYTES / peers)
}

/** Sends frames to one peer; long payloads in parts, turn by turn, and only as fast as the peer takes them. */
export class PartsLane {
  readonly #stream: Pick<FramedStream, 'send' | 'waitingBytes'>
  readonly #maxBytes: () => number
  #long: Long[] = []

  /** `maxBytes`: so much may wait for the peer now. */
  constructor(stream: Pick<FramedStream, 'send' | 'waitingBytes'>, maxBytes: () => number) {
    this.#stream = stream
    this.#maxBytes = maxBytes
  }

  /** So much waits already that nothing should be added. */
  get isFull(): boolean {
    return this.#stream.waitingBytes > this.#maxBytes()
  }

  send(frame: LinkFrame): void {
    this.#stream.send(encodeLinkFrame(frame))
  }

  ask(id: number, operation: string, waitMs: number, payload: Uint8Array): void {
    const more = payload.length > PEER_PART_BYTES
    this.send({
      kind: 'ask',
      id,
      operation,
      waitMs,
      payload: more ? payload.subarray(0, PEER_PART_BYTES) : payload,
      more,
    })
    if (more) this.#queue({ id, kind: 'ask', payload, at: PEER_PART_BYTES, sent: () => undefined })
  }

  /** `sent` is called when all of it is with the stream. */
  answer(id: number, payload: Uint8Array, sent: () => void): void {
    const more = payload.length > PEER_PART_BYTES
    if (more) return this.#queue({ id, kind: 'answer', payload, at: 0, sent })
    this.send({ kind: 'answer', id, payload, more })
    sent()
  }

  /** The rest of a request need not be sent. */
  dropAsk(id: number): void {
    this.#drop('ask', id)
  }

  /** The rest of an answer need not be sent. */
  dropAnswer(id: number): void {
    this.#drop('answer', id)
  }

  /** The stream has written something: the next parts, if few bytes wait. */
  written(): void {
    while (this.#stream.waitingBytes < PEER_PART_BYTES) {
      const long = this.#long.shift()
      if (long === undefined) return
      const payload = long.payload.subarray(long.at, long.at + PEER_PART_BYTES)
      long.at += payload.length
      const more = long.at < long.payload.length
      this.send({ kind: long.kind === 'ask' ? 'ask-part' : 'answer', id: long.id, payload, more })
      if (more) this.#long.push(long)
      else long.sent()
    }
  }

  /** Nothing more can be sent. */
  close(): void {
    const long = this.#long
    this.#long = []
    for (const { sent } of long) sent()
  }

  #queue(long: Long): void {
    this.#long.push(long)
    this.written()
  }

  #drop(kind: Long['kind'], id: number): void {
    const dropped = this.#long.find(long => long.kind === kind && long.id === id)
    if (dropped === undefined) return
    this.#long = this.#long.filter(long => long !== dropped)
    dropped.sent()
  }
}
