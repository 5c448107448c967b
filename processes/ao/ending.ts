import { type Ending, FRAME_SLOTS_MAX, HostFault } from '../../protocol/index.ts'
import { GuestFault, LONGJMP } from './faults.ts'
import type { Machine } from './machine.ts'
import { cutText, encodeOutput, type Response } from './response.ts'

const NO_OUTPUT = new Uint8Array(0)

/** The ending of a run that came back with a response. */
export function endingOf(response: Response, gas: bigint): Ending {
  const output = encodeOutput(response.body, gas)
  if (response.error !== undefined) return { status: 'error', gas, error: response.error, ...(output && { output }) }
  if (output === undefined) return errorEnding('bad-output', 'the output is larger than allowed', gas)
  return { status: 'ok', gas, output: output ?? NO_OUTPUT }
}

/** An error the program did not speak itself; the output tells it in AO's shape. */
export function errorEnding(code: string, message: string, gas: bigint): Ending {
  const text = cutText(message)
  const output = encodeOutput({ Error: text }, gas)
  return { status: 'error', gas, error: { code, message: text }, ...(output && { output }) }
}

/**
 * The ending of a run that came back as an exception. It costs the whole limit, because the gas
 * counter may lag behind when a trap ends a function. Texts are ours: the engine's own change
 * between its versions, and results are certified.
 *
 * @throws {HostFault} if the engine failed, not the guest; whatever else escapes is a bug
 */
export function endingOfException(thrown: unknown, machine: Machine, gasLimit: bigint): Ending {
  if (thrown instanceof HostFault) throw thrown
  if (machine.ranOutOfMemory) throw new HostFault('the engine gives no more memory', { cause: thrown })
  if (thrown instanceof RangeError) throw new HostFault('the engine failed under a guest', { cause: thrown })
  if (machine.gas.value < 0n) return errorEnding('out-of-gas', 'out of gas', gasLimit)
  if (thrown instanceof GuestFault) return errorEnding(thrown.code, thrown.message, gasLimit)
  if (machine.depth.value > FRAME_SLOTS_MAX) return errorEnding('stack-overflow', 'calls are nested too deep', gasLimit)
  if (thrown === LONGJMP) return errorEnding('abort', 'longjmp to a place that is gone', gasLimit)
  // A TypeError: the module calls back with a signature that the function does not have.
  const trapped = thrown instanceof WebAssembly.RuntimeError || thrown instanceof TypeError
  if (trapped) return errorEnding('trap', 'the program trapped', gasLimit)
  throw thrown
}
