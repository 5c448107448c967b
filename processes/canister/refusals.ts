import { REJECT, type Reject } from './canister-trap.ts'

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
