import type { IncomingMessage, ServerResponse } from 'node:http'
import { type CallOptions, Failure } from '../protocol/index.ts'

/** The same for all: each response closes in the end, most of them long after anybody waited, and making an error takes its stack. */
const GONE = new Failure('aborted')

/** One request under way. Its signal is made when somebody first asks for it: most operations never do. */
export class Call implements CallOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly id: string
  #aborter: AbortController | undefined
  #reason: Failure | undefined

  constructor(request: IncomingMessage, response: ServerResponse, id: string) {
    this.request = request
    this.response = response
    this.id = id
  }

  /** Fires when the client goes, or when `abort` is called. */
  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController()
      this.#aborter = aborter
      if (this.#reason !== undefined || this.response.destroyed) aborter.abort(this.#reason ?? GONE)
      else this.response.once('close', () => aborter.abort(GONE))
    }
    return this.#aborter.signal
  }

  /** Ends every wait of this call, for `reason`. */
  abort(reason: Failure): void {
    this.#reason = reason
    this.#aborter?.abort(reason)
  }

  /** What the failure of this call is to its client: a wait that we ended says why. */
  explain(error: unknown): unknown {
    return this.#reason !== undefined && (Failure.is(error, 'aborted') || error === this.#reason) ? this.#reason : error
  }

  /** Whether a body is announced that nobody has read to its end. */
  get hasUnreadBody(): boolean {
    const { headers, complete } = this.request
    if (complete) return false
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  }
}
