import {
  type CallOptions,
  decodeCertificate,
  Failure,
  findFrame,
  type KeyId,
  type Log,
  messagesFeed,
  type ProcessId,
  type QueryAnswer,
  type QueryMessage,
  resultsFeed,
  type Slot,
  type StateAnswer,
} from '../../protocol/index.ts'
import type { Follower } from '../following/follower.ts'
import type { HostSeat } from '../hosts/host-pool.ts'
import type { HostAnswer } from '../hosts/host-words.ts'
import type { PastStates } from './past-states.ts'

export interface StateReaderParts {
  readonly key: KeyId
  readonly log: Log
  readonly seat: HostSeat
  readonly past: PastStates
  now(): number
}

/** What a process's state is, or was at a slot: its document, and answers to queries. */
export class StateReader {
  readonly #parts: StateReaderParts

  constructor(parts: StateReaderParts) {
    this.#parts = parts
  }

  /** @throws {Failure} `no-document`, and what `PastStates.at` throws */
  async state(follower: Follower, at: Slot | undefined, options: CallOptions): Promise<StateAnswer> {
    const slot = at ?? lastSlot(follower)
    const { seat, past } = this.#parts
    const answer = await past.at(follower, slot, ({ key }) => exportOf(seat, key, this.#parts.now()), options)
    const { id } = follower.process
    if (answer.ending.status === 'error') {
      const { code, message } = answer.ending.error
      throw new Failure('no-document', { process: id, slot, code, reason: message })
    }
    const stateRoot = await this.#stateRoot(follower, slot)
    return { slot, module: answer.module, stateRoot, document: answer.ending.output }
  }

  /** @throws {Failure} as `PastStates.at` */
  query(follower: Follower, at: Slot, message: QueryMessage, options: CallOptions): Promise<QueryAnswer> {
    const { seat, past } = this.#parts
    const timestampMs = this.#parts.now()
    return past.at(
      follower,
      at,
      async ({ key }) => {
        const answer = await seat.ask({ kind: 'query', process: key, message, timestampMs })
        if (answer.kind !== 'queried') throw new Failure('host-fault', { answer: answer.kind })
        const { slot, status, gas, error, output, log } = answer
        return { slot, status, gas, error, output, log }
      },
      options,
    )
  }

  /** The certified root after a slot, if it is the last of its frame. */
  async #stateRoot({ process }: Follower, slot: Slot): Promise<Uint8Array | undefined> {
    const { log, key } = this.#parts
    const frame = await findFrame(log, messagesFeed(process), slot)
    const block = frame && (await log.block(resultsFeed(process, key), frame.index))
    if (block === undefined) return undefined
    const { firstSlot, count, stateRoot } = decodeCertificate(block)
    return firstSlot + count === slot + 1 ? stateRoot : undefined
  }
}

/** The last slot that is evaluated, or the first, which is waited for. */
export function lastSlot({ evaluated }: Follower): Slot {
  return Math.max(0, evaluated - 1)
}

/** Asks a copy for its document. */
export async function exportOf(
  seat: HostSeat,
  key: ProcessId,
  timestampMs: number,
): Promise<Extract<HostAnswer, { kind: 'exported' }>> {
  const answer = await seat.ask({ kind: 'export', process: key, tags: [], timestampMs })
  if (answer.kind !== 'exported') throw new Failure('host-fault', { answer: answer.kind })
  return answer
}
