import type { ProcessId } from '../protocol/index.ts'
import type { Lanes } from './lanes/lanes.ts'

export interface ConfirmParts {
  /** Resolves once others were asked whether a process was handed over since this node was last up. */
  readonly confirmEpoch?: ((process: ProcessId) => Promise<void>) | undefined
}

/**
 * Asks about all processes at once that nothing was written of yet: who was away may no longer be the scheduler of one, and a
 * receipt would be worth nothing. Nothing to wait for, if there is none.
 */
export function confirmEpochs(
  { confirmEpoch }: ConfirmParts,
  lanes: Pick<Lanes, 'opening'>,
  requests: readonly { readonly process: ProcessId }[],
): Promise<unknown> | undefined {
  if (confirmEpoch === undefined || requests.every(({ process }) => lanes.opening(process) !== undefined))
    return undefined
  const unseen = new Set<ProcessId>()
  for (const { process } of requests) if (lanes.opening(process) === undefined) unseen.add(process)
  // What fails here fails again, for each request by itself, once it is seated.
  return Promise.all(Array.from(unseen, process => confirmEpoch(process).catch(() => undefined)))
}
