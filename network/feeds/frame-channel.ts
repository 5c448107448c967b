/** Frames both ways between two nodes, in order: a stream of libp2p, or a pair in memory. */
export interface FrameChannel {
  /** Puts a frame in line. */
  send(frame: Uint8Array): void
  /** Bytes that wait to be taken by the other side. */
  readonly waitingBytes: number
  /** Nothing more is read until `resume`; the sender then stands still. */
  pause(): void
  resume(): void
  /** Ends it once what waits is written. */
  end(): void
  /** Ends it at once. */
  abort(error: Error): void
}

/** What happens on a channel. */
export interface FrameEvents {
  /** A whole frame came; what it throws ends the channel. */
  frame(frame: Uint8Array): void
  /** Some of what waited was taken. */
  written(): void
  /** It is over; with the reason, if it did not just end. */
  ended(error: Error | undefined): void
}

/** Makes a channel that tells of its events. */
export type OpenChannel = (events: FrameEvents) => FrameChannel
