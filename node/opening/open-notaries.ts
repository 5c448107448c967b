import { ThreadedClerk } from '../../gateway/index.ts'
import { IC_CANISTER_SIGNED_PENDING_MAX } from '../../protocol/index.ts'
import { clerkProgram } from '../programs/clerk-program.ts'

export interface Notaries {
  /** Of what wants a slot: strangers fill its queue, and are refused when it is full. */
  readonly admission: ThreadedClerk
  /** Of what has a slot in the feed of another scheduler: who evaluates it asks for one request of a process at a time. */
  readonly evaluation: ThreadedClerk
}

/** Those who check what canisters may have signed, in threads that start when there is something to check. */
export function openNotaries(keep: (thread: AsyncDisposable) => void): Notaries {
  const admission = new ThreadedClerk(clerkProgram(), undefined, IC_CANISTER_SIGNED_PENDING_MAX)
  const evaluation = new ThreadedClerk(clerkProgram(), undefined, Infinity)
  keep(admission)
  keep(evaluation)
  return { admission, evaluation }
}
