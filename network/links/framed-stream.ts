import type { Stream } from '@libp2p/interface'
import {
  PEER_FRAME_MAX_BYTES,
  PEER_PART_BYTES,
  PEER_STALL_MAX_MS,
  PEER_WINDOW_MAX_BYTES,
} from '../../protocol/index.ts'
import { FrameReader, HEAD_BYTES, writeLength } from './frame-reader.ts'
import { sendFewerWindowUpdates } from '../host/window-updates.ts'

export interface FramedStreamParts {
  readonly stream: Stream
  /** The longest frame that is taken; `PEER_FRAME_MAX_BYTES` if not given. */
  readonly maxBytes?: number
  /** A whole frame came; what it throws ends the stream. */
  readonly frame: (frame: Uint8Array) => void
  /** Some of what waited was taken. */
  readonly written: (bytes: number) => void
  /** It is over; with the reason, if it did not just end. */
  readonly ended: (error: Error | undefined) => void
}

/**
 * Frames over a stream of libp2p, both ways.
 *
 * 1. All frames of one turn of the event loop are written together: each write costs an encryption and a system call.
 * 2. What the other side does not take waits here and not in libp2p; who takes nothing for `PEER_STALL_MAX_MS` is cut.
 * 3. While `pause`d nothing more is read; the sender then stands still at its window.
 */
export class FramedStream {
  readonly #stream: Stream
  readonly #parts: FramedStreamParts
  readonly #reader: FrameReader
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #scheduled = false
  #writing = false
  #stalled: NodeJS.Timeout | undefined
  #over = false

  constructor(parts: FramedStreamParts) {
    const { stream } = parts
    this.#stream = stream
    this.#parts = parts
    this.#reader = new FrameReader(parts.maxBytes ?? PEER_FRAME_MAX_BYTES)
    // It may be silent for hours.
    stream.inactivityTimeout = Number.POSITIVE_INFINITY
    // While it is paused, a whole window may still come.
    stream.maxReadBufferLength = 2 * PEER_WINDOW_MAX_BYTES
    sendFewerWindowUpdates(stream)
    stream.addEventListener('message', ({ data }) => {
      if (data instanceof Uint8Array) this.#take(data)
      else for (const piece of data) this.#take(piece)
    })
    stream.addEventListener('drain', () => {
      clearTimeout(this.#stalled)
      this.#stalled = undefined
      this.#write()
    })
    stream.addEventListener('remoteCloseWrite', () => this.end())
    stream.addEventListener('close', ({ error }) => this.#finish(error))
  }

  /** Bytes that wait to be taken by the other side. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Puts a frame in line. */
  send(frame: Uint8Array): void {
    if (this.#over) return
    this.#waiting.push(frame)
    this.#waitingBytes += HEAD_BYTES + frame.length
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#write()
    })
  }

  pause(): void {
    if (!this.#over && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  resume(): void {
    if (!this.#over && this.#stream.readStatus === 'paused') this.#stream.resume()
  }

  /** Ends it, for a reason that is not the other side's fault or is: nothing more is sent or taken. */
  abort(error: Error): void {
    if (!this.#over) this.#stream.abort(error)
    this.#finish(error)
  }

  /** Ends it once what waits is written. */
  end(): void {
    if (this.#over) return
    this.#write()
    void this.#stream.close().catch(() => undefined)
    this.#finish(undefined)
  }

  #take(piece: Uint8Array): void {
    if (this.#over) return
    // Sockets give Buffers, whose `slice` is a view: nobody further in should meet one.
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.length)
    try {
      for (const frame of this.#reader.take(bytes)) {
        this.#parts.frame(frame)
        if (this.#over) return
      }
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #write(): void {
    if (this.#writing) return
    this.#writing = true
    this.#writeAll()
    this.#writing = false
  }

  #writeAll(): void {
    while (this.#waiting.length > 0 && this.#stalled === undefined && !this.#over) {
      const bytes = this.#nextWrite()
      try {
        const taken = this.#stream.send(bytes)
        this.#parts.written(bytes.length)
        if (taken) continue
      } catch (error) {
        return this.abort(error instanceof Error ? error : new Error(String(error)))
      }
      this.#stalled = setTimeout(() => this.abort(new PeerStalled()), PEER_STALL_MAX_MS)
      this.#stalled.unref()
    }
  }

  /** As many frames as make one good write. */
  #nextWrite(): Uint8Array {
    let length = 0
    let count = 0
    for (const frame of this.#waiting) {
      if (count > 0 && length + frame.length > PEER_PART_BYTES) break
      length += HEAD_BYTES + frame.length
      count += 1
    }
    const bytes = new Uint8Array(length)
    let at = 0
    for (const frame of count === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, count)) {
      writeLength(bytes, at, frame.length)
      bytes.set(frame, at + HEAD_BYTES)
      at += HEAD_BYTES + frame.length
    }
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count)
    this.#waitingBytes -= length
    return bytes
  }

  #finish(error: Error | undefined): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#stalled)
    this.#waiting = []
    this.#waitingBytes = 0
    this.#parts.ended(error)
  }
}

/** A peer took nothing for too long. */
export class PeerStalled extends Error {
  override readonly name = 'PeerStalled'
  constructor() {
    super(`nothing was taken for ${PEER_STALL_MAX_MS} ms`)
  }
}
