import { principalText } from '../../../protocol/index.ts'
import {
  ASKED_PER_QUERY_MAX_BYTES,
  CALL_TIMEOUT_MAX_S,
  CALLS_OPEN_MAX,
  CALLS_PER_EXECUTION_MAX,
  METHOD_NAME_MAX_BYTES,
  PAYLOAD_MAX_BYTES,
  SENT_PER_EXECUTION_MAX_BYTES,
} from '../bounds.ts'
import { CanisterTrap } from '../canister-trap.ts'
import type { CallDraft, Execution } from '../execution.ts'
import { MODES } from '../modes.ts'
import { type Host, PERFORM_GAS, type SystemFunctions } from './host.ts'

const COMPOSITE = MODES.CQ | MODES.CRy | MODES.CRt

/** How a canister calls others. */
export function callCalls(host: Host): SystemFunctions {
  return {
    call_new: (
      callee: number,
      calleeLength: number,
      name: number,
      nameLength: number,
      replyFun: number,
      replyEnv: bigint,
      rejectFun: number,
      rejectEnv: bigint,
    ) => {
      const { execution } = host
      dropDraft(execution)
      if (calleeLength > 29) throw new CanisterTrap('call_new: no principal', 'IC0504')
      if (nameLength > METHOD_NAME_MAX_BYTES)
        throw new CanisterTrap('call_new: the name of the method is too long', 'IC0504')
      host.charge(calleeLength + nameLength)
      execution.draft = {
        callee: host.heap.read(callee, calleeLength).slice(),
        method: host.heap.text(name, nameLength),
        reply: callback(replyFun, replyEnv),
        reject: callback(rejectFun, rejectEnv),
        cleanup: undefined,
        arg: [],
        argBytes: 0,
        cycles: 0n,
        version: execution.state.version,
        timeoutS: undefined,
      }
      return undefined
    },
    call_on_cleanup: (fun: number, env: bigint) => {
      const draft = draftOf(host.execution, 'call_on_cleanup')
      if (draft.cleanup !== undefined) throw new CanisterTrap('call_on_cleanup can be called at most once', 'IC0504')
      draft.cleanup = callback(fun, env)
      return undefined
    },
    call_data_append: (from: number, length: number) => {
      const draft = draftOf(host.execution, 'call_data_append')
      const bytes = host.heap.read(from, length)
      host.charge(2 * length)
      draft.argBytes += length
      if (draft.argBytes > PAYLOAD_MAX_BYTES) throw tooLarge(draft)
      if (length > 0) draft.arg.push(bytes.slice())
      return undefined
    },
    call_with_best_effort_response: (seconds: number) => {
      const draft = draftOf(host.execution, 'call_with_best_effort_response')
      if (draft.timeoutS !== undefined) throw new CanisterTrap('a timeout can be set at most once', 'IC0504')
      draft.timeoutS = Math.min(seconds >>> 0, CALL_TIMEOUT_MAX_S)
      return undefined
    },
    call_cycles_add: (amount: bigint) => addCycles(host.execution, BigInt.asUintN(64, amount)),
    call_cycles_add128: (high: bigint, low: bigint) =>
      addCycles(host.execution, (BigInt.asUintN(64, high) << 64n) | BigInt.asUintN(64, low)),
    call_perform: () => {
      const { execution } = host
      const draft = draftOf(execution, 'call_perform')
      host.charge(PERFORM_GAS + 8 * draft.argBytes)
      execution.draft = undefined
      const bytes = execution.sentBytes + draft.argBytes + draft.method.length + 512
      const open = execution.state.openCallbacks + execution.calls.length
      const isComposite = (execution.entry.mode & COMPOSITE) !== 0
      if (
        execution.calls.length >= CALLS_PER_EXECUTION_MAX ||
        bytes > (isComposite ? ASKED_PER_QUERY_MAX_BYTES : SENT_PER_EXECUTION_MAX_BYTES) ||
        (open >= CALLS_OPEN_MAX && !isComposite)
      ) {
        execution.state.cycles += draft.cycles
        return 2
      }
      execution.sentBytes = bytes
      execution.calls.push(draft)
      return 0
    },
  }
}

const tooLarge = ({ callee, method, argBytes }: CallDraft): CanisterTrap =>
  new CanisterTrap(
    `Request to ${principalText(callee)}:${method} has a payload size of ${argBytes}, which exceeds the allowed limit of ${PAYLOAD_MAX_BYTES}.`,
    'IC0504',
  )

/** Calls that want no answer name a place that no table has, as -1 of 64 bits, which no number holds. */
function callback(fun: number, env: bigint): readonly [fun: number, env: bigint] {
  return [Math.min(fun, Number.MAX_SAFE_INTEGER), env]
}

function draftOf({ draft }: Execution, call: string): CallDraft {
  if (draft === undefined) throw new CanisterTrap(`${call} called when no call is under construction`, 'IC0504')
  return draft
}

/** Cycles of a call that is not made go back. */
export function dropDraft(execution: Execution): void {
  if (execution.draft === undefined) return
  execution.state.cycles += execution.draft.cycles
  execution.draft = undefined
}

function addCycles(execution: Execution, amount: bigint): undefined {
  const draft = draftOf(execution, 'call_cycles_add')
  const liquid = execution.liquidCycles()
  if (amount > liquid) throw new CanisterTrap(`only ${liquid} cycles are left`, 'IC0520')
  execution.state.cycles -= amount
  draft.cycles += amount
}
