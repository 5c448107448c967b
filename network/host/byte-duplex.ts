import { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import { PEER_WINDOW_MAX_BYTES } from '../../protocol/index.ts'

/** A stream of libp2p as a stream of Node, with back-pressure both ways. */
export class ByteDuplex extends Duplex {
  readonly #stream: Stream
  #drained: ((error?: Error | null) => void) | undefined

  constructor(stream: Stream) {
    super({ allowHalfOpen: false })
    this.#stream = stream
    // It may be silent for hours; while it is paused, a whole window may still come.
    stream.inactivityTimeout = Number.POSITIVE_INFINITY
    stream.maxReadBufferLength = 2 * PEER_WINDOW_MAX_BYTES
    stream.addEventListener('message', ({ data }) => {
      let hasRoom = true
      for (const piece of data instanceof Uint8Array ? [data] : data) hasRoom = this.push(piece)
      if (!hasRoom && stream.readStatus === 'readable') stream.pause()
    })
    stream.addEventListener('drain', () => this.#release())
    stream.addEventListener('remoteCloseWrite', () => void this.push(null))
    stream.addEventListener('close', ({ error }) => {
      this.#release(error ?? new Error('the stream has ended'))
      this.destroy(error)
    })
  }

  override _read(): void {
    if (this.#stream.readStatus === 'paused') this.#stream.resume()
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send(bytes, done)
  }

  override _writev(pieces: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(pieces.map(({ chunk }) => chunk)), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.close().then(
      () => done(),
      () => done(),
    )
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#stream.status === 'open') this.#stream.abort(error ?? new Error('ended here'))
    this.#release(error ?? new Error('ended here'))
    done(error)
  }

  #send(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    try {
      if (this.#stream.send(bytes)) done()
      else this.#drained = done
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #release(error?: Error): void {
    const done = this.#drained
    this.#drained = undefined
    done?.(error)
  }
}
