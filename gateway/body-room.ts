import { BODIES_UNFINISHED_MAX_BYTES, Failure } from '../protocol/index.ts'

/** Less is not worth a smaller buffer. */
const BUFFER_MIN_BYTES = 4 * 1024

/**
 * Room for bodies that are on their way, whoever sends them. When there is none left, the longest of them is given up: whoever
 * sends something long and does not end it keeps out nobody who sends something short.
 */
export class BodyRoom {
  readonly #bodies = new Set<GrowingBody>()
  readonly #maxBytes: number
  #heldBytes = 0

  constructor(maxBytes: number = BODIES_UNFINISHED_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that are held for bodies on their way. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Begins a body; `giveUp` is called if there is no room for it any more. */
  begin(giveUp: (failure: Failure) => void): GrowingBody {
    const body = new GrowingBody(giveUp, bytes => this.#grew(bytes))
    this.#bodies.add(body)
    return body
  }

  /** Takes a body out, whole or not, and gives what came of it. */
  end(body: GrowingBody): Uint8Array {
    if (this.#bodies.delete(body)) this.#heldBytes -= body.heldBytes
    return body.take()
  }

  #grew(bytes: number): void {
    this.#heldBytes += bytes
    while (this.#heldBytes > this.#maxBytes) {
      const longest = this.#longest()
      if (longest === undefined) return
      this.end(longest)
      longest.giveUp(new Failure('busy', { maxBytes: this.#maxBytes }, { note: 'too much is on its way to this node' }))
    }
  }

  #longest(): GrowingBody | undefined {
    let longest: GrowingBody | undefined
    for (const body of this.#bodies) if (longest === undefined || body.heldBytes > longest.heldBytes) longest = body
    return longest
  }
}

/** What came of a body, in one piece: pieces of a byte would hold a hundred each. */
export class GrowingBody {
  readonly giveUp: (failure: Failure) => void
  readonly #grew: (bytes: number) => void
  #buffer = new Uint8Array(0)
  #sizeBytes = 0

  constructor(giveUp: (failure: Failure) => void, grew: (bytes: number) => void) {
    this.giveUp = giveUp
    this.#grew = grew
  }

  get heldBytes(): number {
    return this.#buffer.length
  }

  /** Adds a piece; there will be `maxBytes` in all at most. */
  add(piece: Uint8Array, maxBytes: number): void {
    const sizeBytes = this.#sizeBytes + piece.length
    const held = this.#buffer.length
    if (sizeBytes > held) this.#widen(Math.min(maxBytes, Math.max(sizeBytes, 2 * held, BUFFER_MIN_BYTES)))
    this.#buffer.set(piece, this.#sizeBytes)
    this.#sizeBytes = sizeBytes
    if (this.#buffer.length > held) this.#grew(this.#buffer.length - held)
  }

  /** All of it, once. */
  take(): Uint8Array {
    const bytes = this.#sizeBytes === this.#buffer.length ? this.#buffer : this.#buffer.slice(0, this.#sizeBytes)
    this.#buffer = new Uint8Array(0)
    this.#sizeBytes = 0
    return bytes
  }

  #widen(capacity: number): void {
    const wider = new Uint8Array(capacity)
    wider.set(this.#buffer.subarray(0, this.#sizeBytes))
    this.#buffer = wider
  }
}
