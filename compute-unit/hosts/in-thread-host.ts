import { CborWriter, Failure, type Runtime } from '../../protocol/index.ts'
import { Host as GuestHost } from '../evaluation/index.ts'
import { faultOf, type Host, type OpenHost } from './host-pool.ts'
import { decodeAnswer, writeAnswer } from './answer-packets.ts'
import type { HostAnswer, HostRequest } from './host-words.ts'

/**
 * Hosts in the thread of whoever opens them: the same program as in a child process, without the pipe and without the
 * walls. Only for guests that one trusts, as in a simulation; their stack is that of the thread. `pause` is waited for
 * before each answer.
 */
export const inThreadHosts =
  (runtimes: readonly Runtime[], pause?: () => Promise<void>): OpenHost =>
  ({ onExit }) =>
    new InThreadHost({ runtimes, pause, onExit })

interface InThreadHostParts {
  readonly runtimes: readonly Runtime[]
  readonly pause: (() => Promise<void>) | undefined
  readonly onExit: () => void
}

/** Turns come in the order in which they were asked for: without a pause nothing else must keep answers apart. */
const TURN = Promise.resolve()
const NO_PIPE = { input: [], write: () => undefined }

class InThreadHost implements Host {
  readonly pid = undefined
  waiting = 0
  readonly #parts: InThreadHostParts
  readonly #host: GuestHost
  #last: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(parts: InThreadHostParts) {
    this.#parts = parts
    this.#host = new GuestHost(NO_PIPE, parts.runtimes)
  }

  ask(request: HostRequest): Promise<HostAnswer> {
    const { pause } = this.#parts
    this.waiting += 1
    if (pause === undefined) return TURN.then(() => this.#answer(request))
    const served = this.#last.then(pause).then(() => this.#answer(request))
    this.#last = served.catch(() => undefined)
    return served
  }

  #answer(request: HostRequest): HostAnswer {
    try {
      return this.#serve(request)
    } finally {
      this.waiting -= 1
    }
  }

  #serve(request: HostRequest): HostAnswer {
    if (this.#ended) throw new Failure('host-fault', { bystander: true }, { note: 'the host has ended' })
    const answer = this.#host.answer(request)
    if (answer.kind === 'fault') {
      if (answer.fatal) this.kill()
      throw faultOf(answer)
    }
    return keepsItsValue(answer) ? answer : copyOf(answer)
  }

  kill(): void {
    if (this.#ended) return
    this.#ended = true
    this.#parts.onExit()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    this.#ended = true
  }
}

function copyOf(answer: HostAnswer): HostAnswer {
  const writer = new CborWriter()
  writeAnswer(writer, 0, answer)
  return decodeAnswer(writer.finish()).answer
}

/** What else an answer holds are views of the guest, which change when it runs again; over a pipe they are copied. */
const keepsItsValue = ({ kind }: HostAnswer): boolean => kind !== 'delta' && kind !== 'bytes'
