import { equalBytes, principalText } from '../../protocol/index.ts'
import type { CallRequest } from './call-request.ts'
import { REJECT, type Reject } from './canister-trap.ts'
import type { Machine } from './machine.ts'

// What is said of calls that a canister cannot carry out, in the IC's words.

export const notRunning = (name: string, status: 'stopping' | 'stopped'): Reject => ({
  code: REJECT.error,
  error: status === 'stopped' ? 'IC0508' : 'IC0509',
  message: `Canister ${name} is ${status}`,
})

export const noReply = (name: string): Reject => ({
  code: REJECT.error,
  error: 'IC0506',
  message: `Error from Canister ${name}: Canister did not reply to the call`,
})

export const noModule = (name: string): Reject => ({
  code: REJECT.error,
  error: 'IC0537',
  message: `Error from Canister ${name}: Attempted to execute a message, but the canister contains no Wasm module`,
})

/** A canister may want cycles of whatever other process calls it; nothing, if these are enough. */
export function tooFewCycles({ state, names }: Machine, { origin, cycles, caller }: CallRequest): Reject | undefined {
  const { minimumCallCycles } = state.settings
  const isOther = origin.kind === 'process' && !equalBytes(caller, names.self)
  if (!isOther || cycles >= minimumCallCycles) return undefined
  const message = `Canister ${principalText(names.self)} requires at least ${minimumCallCycles} cycles to be attached to the call, got ${cycles}`
  return { code: REJECT.error, error: 'IC0504', message }
}
