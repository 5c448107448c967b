/**
 * What the leader of several schedulers says stands in the feed, and whether it does. It is not believed: whoever is told
 * forgets the message, so it must stand in the feed as this node has it, under the signatures of a quorum.
 */
import { type Clock, Failure, type ScheduleAnswer, type ScheduleRequest } from '../../protocol/index.ts'
import type { SettledFeed } from '../lanes/settled-feed.ts'

export interface LeaderClaimsParts {
  readonly clock: Clock
  readonly settled: Pick<SettledFeed, 'answerFor' | 'expectedSeq'>
  readonly signal: AbortSignal
  /** Takes over what the leader has settled. */
  readonly catchUp: () => Promise<unknown>
}

/** Somebody who waits for the answer to a request. */
export interface Asked {
  readonly request: ScheduleRequest
  readonly resolve: (answer: ScheduleAnswer) => void
}

/** Looks for what the leader says has settled, each after a longer pause; in all they last about two seconds. */
const LOOKS_MAX = 8
const PAUSE_MIN_MS = 10

/** Answers those whose messages stand in the feed here, or with `withGaps` come too early for it; gives the others. */
export async function answerSettled<T extends Asked>(
  settled: LeaderClaimsParts['settled'],
  batch: readonly T[],
  withGaps = false,
): Promise<readonly T[]> {
  const others: T[] = []
  for (const one of batch) {
    const { envelope } = one.request
    try {
      let answer = await settled.answerFor(envelope)
      if (answer === undefined && withGaps && envelope.kind === 'push') {
        const expectedSeq = await settled.expectedSeq(envelope.push.core.from)
        if (expectedSeq < envelope.push.core.seq) answer = { status: 'gap', expectedSeq }
      }
      if (answer === undefined) others.push(one)
      else one.resolve(answer)
    } catch (error) {
      one.resolve({ status: 'failed', failure: Failure.from(error) })
    }
  }
  return others
}

/** Waits until what the leader says stands in the feed does so here, and answers; gives what does not. */
export async function untilSettled<T extends Asked>(
  parts: LeaderClaimsParts,
  claimed: readonly T[],
): Promise<readonly T[]> {
  const { clock, settled, signal, catchUp } = parts
  let left = await answerSettled(settled, claimed)
  for (let look = 0; left.length > 0 && look < LOOKS_MAX && !signal.aborted; look++) {
    if (look > 0) await clock.sleep(PAUSE_MIN_MS * 2 ** look, { signal }).catch(() => undefined)
    if (look % 3 === 0) await catchUp()
    left = await answerSettled(settled, left)
  }
  return left
}
