import { REJECT, type Reject } from '../canister-trap.ts'

/** How the IC answers a canister that asks its management for what there is not. */
export const unknownMethod = (method: string): Reject => ({
  code: REJECT.error,
  error: 'IC0536',
  message: `Management canister has no method '${method}'`,
})
