import type { FrameChannel, FrameEvents, OpenChannel } from '../../network/feeds/frame-channel.ts'

export interface ChannelPair {
  readonly left: OpenChannel
  readonly right: OpenChannel
  /** Sees every frame, and may put another in its place or, with nothing, drop it. */
  onFrame: (frame: Uint8Array, from: 'left' | 'right') => Uint8Array | undefined
  /** Frames that are on their way to the right side are held while this is true. */
  slow: boolean
  /** Bytes that wait on the left side. */
  readonly waiting: number
  /** Lets go what was held. */
  release(): void
  /** Cuts both ends. */
  cut(): void
}

/** Two ends of a channel in memory: a frame takes a turn of the loop. */
export function channelPair(): ChannelPair {
  const ends: { left?: End; right?: End } = {}
  const pair: ChannelPair = {
    left: events =>
      (ends.left = new End(
        events,
        frame => deliver(frame, 'left'),
        () => ends.right?.flush(),
      )),
    right: events =>
      (ends.right = new End(
        events,
        frame => deliver(frame, 'right'),
        () => ends.left?.flush(),
      )),
    onFrame: frame => frame,
    slow: false,
    get waiting() {
      return ends.left?.waitingBytes ?? 0
    },
    release: () => {
      pair.slow = false
      ends.left?.flush()
    },
    cut: () => {
      ends.left?.finish(new Error('cut'))
      ends.right?.finish(new Error('cut'))
    },
  }
  const deliver = (frame: Uint8Array, from: 'left' | 'right'): boolean => {
    const to = from === 'left' ? ends.right : ends.left
    if (to?.paused === true || (from === 'left' && pair.slow)) return false
    const seen = pair.onFrame(frame, from)
    if (seen !== undefined) to?.take(seen)
    return true
  }
  return pair
}

class End implements FrameChannel {
  readonly #events: FrameEvents
  readonly #deliver: (frame: Uint8Array) => boolean
  readonly #resumed: () => void
  #waiting: Uint8Array[] = []
  #over = false
  paused = false

  constructor(events: FrameEvents, deliver: (frame: Uint8Array) => boolean, resumed: () => void) {
    this.#events = events
    this.#deliver = deliver
    this.#resumed = resumed
  }

  get waitingBytes(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, 0)
  }

  send(frame: Uint8Array): void {
    if (this.#over) return
    this.#waiting.push(frame)
    setImmediate(() => this.flush())
  }

  flush(): void {
    while (!this.#over) {
      const [first] = this.#waiting
      if (first === undefined || !this.#deliver(first)) return
      this.#waiting.shift()
      this.#events.written()
    }
  }

  take(frame: Uint8Array): void {
    if (this.#over) return
    try {
      this.#events.frame(frame)
    } catch (error) {
      this.finish(error instanceof Error ? error : new Error(String(error)))
    }
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.#resumed()
  }

  end(): void {
    this.flush()
    this.finish(undefined)
  }

  abort(error: Error): void {
    this.finish(error)
  }

  finish(error: Error | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#events.ended(error)
  }
}
