import { type CborReader, type CborWriter, MalformedBytes } from '../../../protocol/index.ts'
import { numbered } from '../cell-keys.ts'
import { OUTSIDE_TIMEOUT_MS } from '../bounds.ts'
import type { Outcome } from '../calls-taken.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { noteDeadline } from '../deadlines.ts'
import type { Machine } from '../machine.ts'
import type { Post } from '../post.ts'
import { CALLBACKS, type Origin, putCallback, readOrigin, writeOrigin } from '../records.ts'
import type { Slot } from '../slot.ts'

const LOW = (1n << 64n) - 1n

/** A request to the management of a canister that another canister has to be asked for, one piece after the other. */
export interface Errand {
  /** Of the piece that is under way. */
  readonly callback: number
  readonly origin: Origin
  readonly caller: Uint8Array
  readonly cycles: bigint
  readonly depth: number
  readonly callee: Uint8Array
}

export interface ErrandParts {
  readonly machine: Machine
  readonly post: Post
}

/** Asks for the next piece; gives the number of the callback that hears of it. */
export function askFor(
  { machine, post }: ErrandParts,
  { callee, depth }: Pick<Errand, 'callee' | 'depth'>,
  method: string,
  arg: Uint8Array,
  slot: Slot,
): number {
  const { nextCallback: callback, openCallbacks } = machine.state
  const dueNs = slot.nowNs + BigInt(OUTSIDE_TIMEOUT_MS) * 1_000_000n
  const nothing = [0, 0n] as const
  machine.change({ nextCallback: callback + 1, openCallbacks: openCallbacks + 1 })
  // Whoever it is that the caller names, it need not be a canister, and may never answer.
  putCallback(slot.cells, {
    id: callback,
    context: 0,
    reply: nothing,
    reject: nothing,
    cleanup: undefined,
    cycles: 0n,
    deadlineNs: dueNs,
    callee: undefined,
    outside: undefined,
  })
  noteDeadline(machine, dueNs)
  post.request({ callback, callee, method, arg, cycles: 0n, deadlineNs: 0n, depth, isManagement: true }, slot)
  return callback
}

/** Nobody waits for the piece any more that is under way. */
export function forget({ callback }: Errand, { machine }: Pick<ErrandParts, 'machine'>, slot: Slot): void {
  slot.cells.delete(numbered(CALLBACKS, callback))
  machine.change({ openCallbacks: machine.state.openCallbacks - 1 })
}

/** What the caller is told of what went wrong. */
export function rejectOfErrand(error: unknown): NonNullable<Outcome['answer']['reject']> {
  if (error instanceof Rejected) return error.reject
  if (error instanceof MalformedBytes)
    return { code: REJECT.canister, error: 'IC0408', message: `the other canister gave nothing: ${error.message}` }
  throw error
}

/** Items of an errand in the array of a cell. */
export const ERRAND_ITEMS = 7

export function writeErrand(writer: CborWriter, { callback, origin, caller, cycles, depth, callee }: Errand): void {
  writer.uint(callback)
  writeOrigin(writer, origin)
  writer.bytes(caller)
  writer.uint(cycles >> 64n)
  writer.uint(cycles & LOW)
  writer.uint(depth)
  writer.bytes(callee)
}

export function readErrand(reader: CborReader): Errand {
  return {
    callback: Number(reader.uint()),
    origin: readOrigin(reader),
    caller: reader.bytes(),
    cycles: (BigInt(reader.uint()) << 64n) | BigInt(reader.uint()),
    depth: Number(reader.uint()),
    callee: reader.bytes(),
  }
}
