import type { StreamMuxerFactory } from '@libp2p/interface'
import { concatBytes, PEER_STREAMS_PER_SECOND_MAX } from '../../protocol/index.ts'
import { aroundMuxer } from './around-muxer.ts'

const HEADER_BYTES = 12
const VERSION = 0
const DATA = 0
const [SYN, FIN, RST] = [1, 4, 8]
const NOTHING = new Uint8Array(0)
const WINDOW_MS = 5_000
/** Whoever begins more streams than he may is told of in stream-watch.ts; whoever begins twice as many is gone. */
const BEGUN_MAX = (2 * PEER_STREAMS_PER_SECOND_MAX * WINDOW_MS) / 1_000

/** A frame of yamux, or a part of one that carries data. */
export interface YamuxFrame {
  readonly header: {
    readonly type: number
    readonly flag: number
    readonly streamID: number
    readonly length: number
  }
  readonly data?: Uint8Array
}

/** What yamux takes apart what comes with. */
interface Decoding {
  decoder: { emitFrames(data: Iterable<Uint8Array> | Uint8Array): Iterable<YamuxFrame> }
}

/** Has yamux take what comes apart in this way. */
export function takingParts<Components>(
  create: (components: Components) => StreamMuxerFactory,
): (components: Components) => StreamMuxerFactory {
  return aroundMuxer(create, muxer => {
    if (isDecoding(muxer)) muxer.decoder = new YamuxFrames()
  })
}

function isDecoding(muxer: object): muxer is Decoding {
  const { decoder } = muxer as Partial<Decoding>
  return typeof decoder?.emitFrames === 'function'
}

/**
 * Takes apart what comes over a connection. Yamux itself keeps all of a frame until its end is there, and a frame may say of itself that it
 * is 4 GiB long: one connection could have a node hold as much.
 *
 * 1. Nothing is held but the beginning of a header: what came of a long frame is a frame of its own, and its stream tells when it is too much.
 * 2. What begins a stream stands with the first of these parts, and what ends it with the last.
 * 3. Whoever begins more streams than anybody may, or asks for more signs of life, is cut: each costs a hundred times what it takes to ask.
 */
export class YamuxFrames {
  readonly #now: () => number
  /** The beginning of a header. */
  #header = NOTHING
  /** Data that is still to come, and the frame that it belongs to. */
  #rest = 0
  #frame = { flag: 0, streamID: 0 }
  #begun = 0
  #windowMs = Number.NEGATIVE_INFINITY

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** The frames in what came, in order. @throws {YamuxAbuse}; {TypeError} if it is no yamux */
  emitFrames(data: Iterable<Uint8Array> | Uint8Array): readonly YamuxFrame[] {
    const frames: YamuxFrame[] = []
    for (const piece of data instanceof Uint8Array ? [data] : data) this.#take(piece, frames)
    return frames
  }

  #take(came: Uint8Array, frames: YamuxFrame[]): void {
    const piece = this.#header.length === 0 ? came : concatBytes(this.#header, came)
    let at = 0
    while (this.#rest > 0 ? at < piece.length : piece.length - at >= HEADER_BYTES) {
      if (this.#rest > 0) {
        const data = piece.subarray(at, at + this.#rest)
        at += data.length
        frames.push(this.#part(data))
      } else {
        const header = headerAt(piece, at)
        at += HEADER_BYTES
        if ((header.flag & SYN) !== 0) this.#count()
        if (header.type !== DATA) frames.push({ header })
        else if (header.length === 0) frames.push({ header, data: NOTHING })
        else [this.#rest, this.#frame] = [header.length, header]
      }
    }
    this.#header = at < piece.length ? piece.slice(at) : NOTHING
  }

  #part(data: Uint8Array): YamuxFrame {
    const { flag, streamID } = this.#frame
    const ending = flag & (FIN | RST)
    this.#rest -= data.length
    this.#frame = { flag: ending, streamID }
    return {
      header: { type: DATA, flag: this.#rest === 0 ? flag : flag & ~ending, streamID, length: data.length },
      data,
    }
  }

  #count(): void {
    const nowMs = this.#now()
    if (nowMs - this.#windowMs >= WINDOW_MS) [this.#windowMs, this.#begun] = [nowMs, 0]
    this.#begun += 1
    if (this.#begun > BEGUN_MAX) throw new YamuxAbuse()
  }
}

/** The other side has this one do more than anybody may. */
export class YamuxAbuse extends Error {
  override readonly name = 'YamuxAbuse'
  /** What yamux tells the other side: it broke the rules. */
  readonly reason = 1
  constructor() {
    super(`more than ${BEGUN_MAX} streams and signs of life in ${WINDOW_MS} ms`)
  }
}

function headerAt(bytes: Uint8Array, at: number): YamuxFrame['header'] {
  if (bytes[at] !== VERSION) throw new TypeError('expected a frame of yamux')
  return {
    type: bytes[at + 1] ?? 0,
    flag: twoAt(bytes, at + 2),
    streamID: fourAt(bytes, at + 4),
    length: fourAt(bytes, at + 8),
  }
}

const fourAt = (bytes: Uint8Array, at: number): number => twoAt(bytes, at) * 65_536 + twoAt(bytes, at + 2)

const twoAt = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
