import type { FailedEffect } from '../../messenger-unit/index.ts'
import { type Clock, SparseNews } from '../../protocol/index.ts'
import type { NodeLogger } from '../logger.ts'

/** What the node itself refuses: a process asked for what it does not get, and nothing is wrong outside. */
const REFUSALS: ReadonlySet<string> = new Set(['effect-unknown', 'effect-forbidden', 'effect-bad-input'])

/** Tells the log which effects failed: a line for each, as long as they are few. */
export function createEffectLog(
  logger: Pick<NodeLogger, 'info' | 'warn'>,
  clock: Pick<Clock, 'elapsed'>,
): (failed: FailedEffect) => void {
  const news = () => new SparseNews(() => clock.elapsed())
  const [refused, failedOutside] = [news(), news()]
  return failed => {
    const isRefused = REFUSALS.has(failed.code)
    const unsaid = (isRefused ? refused : failedOutside).happened()
    if (unsaid === undefined) return
    const facts = { ...failed, ...(unsaid > 0 ? { unsaid } : {}) }
    if (isRefused) logger.info(facts, 'an effect was refused')
    else logger.warn(facts, 'an effect failed')
  }
}
