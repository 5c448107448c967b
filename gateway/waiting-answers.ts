import type { ServerResponse } from 'node:http'
import { ANSWERS_WAITING_MAX_BYTES } from '../protocol/index.ts'

/** Shorter ones of all sockets together stay below the bound. */
const LOOKED_AT_FROM_BYTES = 256 * 1024

/**
 * Bounds what waits in memory for clients that take it slowly or not at all: whoever asks for megabytes and reads nothing costs
 * himself nothing. When there is too much, the answer of which most waits is cut off.
 */
export class WaitingAnswers {
  readonly #responses: () => Iterable<ServerResponse>
  readonly #maxBytes: number

  /** @param responses all that are not closed */
  constructor(responses: () => Iterable<ServerResponse>, maxBytes: number = ANSWERS_WAITING_MAX_BYTES) {
    this.#responses = responses
    this.#maxBytes = maxBytes
  }

  /** Looks whether there is room for what was just written to `response`. */
  wrote(response: ServerResponse): void {
    if (response.writableLength < LOOKED_AT_FROM_BYTES) return
    const longestFirst = [...this.#responses()]
      .filter(({ destroyed }) => !destroyed)
      .toSorted((a, b) => b.writableLength - a.writableLength)
    let bytes = longestFirst.reduce((sum, { writableLength }) => sum + writableLength, 0)
    for (const longest of longestFirst) {
      if (bytes <= this.#maxBytes) return
      bytes -= longest.writableLength
      longest.destroy()
    }
  }
}
