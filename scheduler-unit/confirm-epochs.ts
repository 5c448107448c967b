import type { ProcessId } from '../protocol/index.ts'
import type { Lanes } from './lanes.ts'

export interface ConfirmParts {
  /** Resolves once others were asked whether a process was handed over since this node was last up. */
  readonly confirmEpoch?: ((process: ProcessId) => Promise<void>) | undefined
}

/**
 * Asks about all processes at once that nothing was written of yet: who was away may no longer be the scheduler of one, and a
 * receipt would be worth nothing.
 */
export async function confirmEpochs(
  { confirmEpoch }: ConfirmParts,
  lanes: Pick<Lanes, 'opening'>,
  requests: readonly { readonly process: ProcessId }[],
): Promise<void> {
  if (confirmEpoch === undefined) return
  const unseen = new Set<ProcessId>()
  for (const { process } of requests) if (lanes.opening(process) === undefined) unseen.add(process)
  if (unseen.size === 0) return
  // What fails here fails again, for each request by itself, once it is seated.
  await Promise.all(Array.from(unseen, process => confirmEpoch(process).catch(() => undefined)))
}
