import {
  type CallOptions,
  type Clock,
  decodeUnitReading,
  Failure,
  type KeyId,
  type ProcessDescription,
  toHex,
  type UnitPeers,
  type UnitRead,
  type UnitReading,
} from '../protocol/index.ts'
import { unitsElsewhere } from './parts.ts'

export interface AgreeingParts {
  /** This node's own: it is not asked. */
  readonly key: KeyId
  readonly peers: Pick<UnitPeers, 'read'>
  readonly clock: Clock
}

const ANSWER_WAIT_MS = 10_000
const PAUSE_FIRST_MS = 20
const PAUSE_MAX_MS = 500

/**
 * Asks compute units of a process the same until as many as the process asks for give the same answer, byte for byte.
 * They see more and more of the feed, so it may take more than one round.
 * @throws {Failure} `no-agreement`; what a unit answers, if it is the caller's fault
 */
export async function agreeing<R extends UnitRead>(
  parts: AgreeingParts,
  process: ProcessDescription,
  read: R,
  options: CallOptions = {},
): Promise<UnitReading<R['kind']>> {
  const { peers, clock } = parts
  const { computeQuorum } = process.policy
  const units = unitsElsewhere(process, parts.key)
  const { signal, timeoutMs = ANSWER_WAIT_MS } = options
  const untilMs = clock.elapsed() + timeoutMs
  let asked: UnitRead = read
  for (let pauseMs = PAUSE_FIRST_MS; ; ) {
    const answers = new Map<string, { bytes: Uint8Array; count: number }>()
    const failures: Failure[] = []
    // One more than is needed is not asked at first: most rounds agree.
    for (let next = 0; next < units.length; ) {
      const most = Math.max(0, ...[...answers.values()].map(({ count }) => count))
      const batch = units.slice(next, next + Math.max(1, computeQuorum - most))
      next += batch.length
      const round = await Promise.allSettled(batch.map(unit => peers.read(unit, process.id, asked, options)))
      for (const answer of round) {
        if (answer.status === 'rejected') {
          failures.push(Failure.from(answer.reason))
          continue
        }
        const name = toHex(answer.value)
        const known = answers.get(name) ?? { bytes: answer.value, count: 0 }
        known.count += 1
        answers.set(name, known)
        if (known.count >= computeQuorum) return decodeUnitReading<R['kind']>(read.kind, known.bytes)
      }
    }
    const fault = failures.find(({ blame }) => blame === 'input')
    if (fault !== undefined && answers.size === 0) throw fault
    if (signal?.aborted === true) throw new Failure('aborted')
    if (clock.elapsed() + pauseMs > untilMs) throw disagreed(process, failures)
    const isOfOneSlot = asked !== read
    asked = sameSlot(read, [...answers.values()], computeQuorum)
    // As many as must agree have reached that slot: there is nothing to wait for.
    if (asked !== read && !isOfOneSlot) continue
    await clock.sleep(pauseMs, { signal, for: 'wait' })
    pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)
  }
}

/**
 * A question about the present that was answered for several slots: asked again, it is about the latest that as many units
 * as must agree have reached. So a unit that lies about its slot, or answers with nonsense, leads the others nowhere.
 */
function sameSlot(
  read: UnitRead,
  answers: readonly { readonly bytes: Uint8Array; readonly count: number }[],
  quorum: number,
): UnitRead {
  if ((read.kind !== 'query' && read.kind !== 'state') || read.at !== undefined || answers.length < 2) return read
  const slots = answers
    .flatMap(({ bytes, count }) => Array.from({ length: count }, () => slotOf(read.kind, bytes)))
    .filter(slot => slot !== undefined)
    .sort((a, b) => b - a)
  const at = slots[Math.min(quorum, slots.length) - 1]
  return at === undefined ? read : { ...read, at }
}

/** Nothing, if a unit answered with something else. */
function slotOf(kind: 'query' | 'state', bytes: Uint8Array): number | undefined {
  try {
    return decodeUnitReading(kind, bytes).slot
  } catch {
    return undefined
  }
}

export function disagreed({ id, policy }: ProcessDescription, failures: readonly Failure[]): Failure {
  const { computeUnits, computeQuorum } = policy
  const details = {
    process: id,
    needed: computeQuorum,
    units: computeUnits,
    failed: failures.map(({ code }) => code),
  }
  return new Failure('no-agreement', details, { cause: failures[0] })
}
