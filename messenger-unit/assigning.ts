import {
  type Assign,
  asMessageId,
  asProcessId,
  type Clock,
  type Computer,
  Failure,
  type Log,
  type MessageId,
  type ProcessId,
  type Push,
  type PushProof,
  type Receipt,
} from '../protocol/index.ts'
import { backOffMs } from './retry.ts'
import type { Routes } from './routes.ts'
import { assignmentAt } from './trace.ts'

export interface AssigningParts {
  readonly log: Log
  readonly computer: Pick<Computer, 'proveOutbox'>
  readonly clock: Clock
  random(): number
  trouble?(what: string, failure: Failure): void
}

const ATTEMPTS_MAX = 5

/** Gives messages that stand in one feed to further processes. */
export class Assigning {
  readonly #parts: AssigningParts
  readonly #routes: Pick<Routes, 'schedule'>
  #stopped = false

  constructor(parts: AssigningParts, routes: Pick<Routes, 'schedule'>) {
    this.#parts = parts
    this.#routes = routes
  }

  /** Nothing is tried again from now on. */
  stop(): void {
    this.#stopped = true
  }

  /** @throws {Failure} `unknown-message`, `wrong-type`, and what its scheduler says */
  async assign(message: MessageId, process: ProcessId, exclude: readonly string[]): Promise<Receipt> {
    const [place] = await this.#parts.log.messages.placesOf(message)
    if (place === undefined) throw new Failure('unknown-message', { message })
    const { envelope } = await assignmentAt(this.#parts.log, place.process, place.slot)
    const inner = envelope.kind === 'assign' ? envelope.message : envelope
    if (inner.kind !== 'item' && inner.kind !== 'push') throw new Failure('wrong-type', { kind: inner.kind })
    const proven = inner.kind === 'item' ? inner : { ...inner, proof: inner.proof ?? (await this.#proofOf(inner.push)) }
    const request = { process, envelope: { kind: 'assign' as const, message: proven, exclude } }
    const [answer] = await this.#routes.schedule([request])
    if (answer?.status === 'scheduled' || answer?.status === 'known') return answer.receipt
    throw answer?.status === 'failed' ? answer.failure : new Failure('internal')
  }

  /** What a process asked for: the message may still be on its way, so it is tried some times. Resolves when it is done, or given up. */
  async carryOut({ message, process, exclude }: Assign): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && !this.#stopped; attempt++) {
      try {
        await this.assign(asMessageId(message), asProcessId(process), exclude)
        return
      } catch (error) {
        this.#parts.trouble?.(`assign ${message} to ${process}`, Failure.from(error))
        await this.#parts.clock.sleep(backOffMs(attempt, this.#parts.random()))
      }
    }
  }

  /** The proof of a push for which the scheduler of its feed vouched; elsewhere it must prove itself. */
  async #proofOf({ core }: Push): Promise<PushProof> {
    const [proof] = await this.#parts.computer.proveOutbox(core.from, core.slot, [core.index])
    if (proof === undefined) throw new Failure('internal', { process: core.from, slot: core.slot })
    return proof
  }
}
