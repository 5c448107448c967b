import {
  Failure,
  type KeyId,
  type Log,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  type ProcessPolicy,
  type Push,
} from '../protocol/index.ts'

/** How long each courier waits for the one before it. */
export const TAKE_OVER_MS = 2_000
/** The same, once it found that the one before it does not deliver. */
export const TAKE_OVER_SOON_MS = 200
/** How long that is remembered. */
export const ABSENT_MS = 15_000
/** How long a scheduler has to tell what it expects. */
const EXPECTED_SEQ_MS = 5_000

/**
 * The place of a unit among those that carry what one process sends to another: the first carries at once, others only
 * if it does not. Every compute unit of the sender can prove a push, so one of them that is up is enough.
 */
export function courierRank({ computeUnits }: ProcessPolicy, unit: KeyId, to: ProcessId): number {
  const own = computeUnits.indexOf(unit)
  const count = computeUnits.length
  if (own < 0) return count
  const first = (31 * to.charCodeAt(0) + to.charCodeAt(1)) % count
  return (own - first + count) % count
}

export interface CouriersParts {
  readonly key: KeyId
  readonly log: Log
  readonly peers?: Pick<Peers, 'units'> | undefined
  describe?(process: ProcessId): Promise<ProcessDescription | undefined>
}

/** This node as one of those that can carry the pushes of a process. */
export class Couriers {
  readonly #parts: CouriersParts

  constructor(parts: CouriersParts) {
    this.#parts = parts
  }

  /** How many come before this node. */
  rank({ core }: Push): number {
    const { log, key } = this.#parts
    const policy = log.directory.processAtHand(core.from)?.policy
    return policy === undefined || policy.computeUnits.length === 1 ? 0 : courierRank(policy, key, core.to)
  }

  /**
   * The seq which the schedulers of the receiver expect next, as many of them as must sign a block say; nothing if that is this
   * node, nobody knows it, or too few can be asked. One alone could say that a push is there which never was.
   * @throws {Failure} `unreachable`, if none of them is reached
   */
  async expectedSeq({ core }: Push): Promise<number | undefined> {
    const { log, key, peers, describe } = this.#parts
    const known = (await log.directory.process(core.to)) ?? (await describe?.(core.to))
    const units = peers?.units
    if (known === undefined || units === undefined) return undefined
    const { schedulers, schedulerQuorum } = known.policy
    if (schedulers.includes(key)) return undefined
    const asked = schedulers.map(scheduler =>
      units.expectedSeq(scheduler, core.to, core.from, { timeoutMs: EXPECTED_SEQ_MS }),
    )
    const answers = await Promise.allSettled(asked)
    const failures = answers.flatMap(answer => (answer.status === 'rejected' ? [Failure.from(answer.reason)] : []))
    const [failure] = failures
    if (failures.length === answers.length && failures.every(({ code }) => code === 'unreachable')) throw failure
    const told = answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
    return told.sort((a, b) => b - a)[schedulerQuorum - 1]
  }
}
