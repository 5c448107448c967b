import { type CborReader, type CborWriter, type Cells, MalformedBytes } from '../../../protocol/index.ts'
import { numbered } from '../cell-keys.ts'
import { OUTSIDE_TIMEOUT_MS } from '../bounds.ts'
import type { Outcome } from '../calls-taken.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { noteDeadline } from '../deadlines.ts'
import { CALLBACKS, type Origin, putCallback, readOrigin, writeOrigin } from '../records.ts'
import type { Slot } from '../slot.ts'
import { type Fields, fieldsOf } from './fields.ts'
import type { InstallParts } from './install.ts'
import { NOTHING } from './replies.ts'

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

type Reject = NonNullable<Outcome['answer']['reject']>

/** Asks for the next piece; gives the number of the callback that hears of it. */
export function askFor(
  { machine, post }: InstallParts,
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

/** One kind of errand: where it is kept, and what its pieces make. */
export interface ErrandKind<E extends Errand> {
  /** The one that is under way. */
  read(cells: Cells): E | undefined
  /** Forgets it, and all that was fetched. */
  clear(cells: Cells): void
  ask(parts: InstallParts, errand: Omit<E, 'callback'>, slot: Slot): void
  /** Keeps a piece that came; what is still to be asked for, or all that is here. @throws {Rejected | MalformedBytes} */
  take(errand: E, piece: Fields, slot: Slot): { readonly next: E; readonly isWhole: boolean }
  /** Does what it was for. @throws {Rejected | MalformedBytes} */
  finish(parts: InstallParts, errand: E, slot: Slot): void
  /** The other canister gave nothing. */
  refused(errand: E, reject: Reject, parts: InstallParts): Rejected
}

/** Takes an answer, if it is one that such an errand waits for; says whether it was. `mayFinish` throws, if the caller no longer may. */
export function tookPiece<E extends Errand>(
  kind: ErrandKind<E>,
  parts: InstallParts,
  callback: number,
  { answer }: Outcome,
  slot: Slot,
  mayFinish: (caller: Uint8Array) => void,
): boolean {
  const errand = kind.read(slot.cells)
  if (errand?.callback !== callback) return false
  try {
    if (answer.reject !== undefined) throw kind.refused(errand, answer.reject, parts)
    const { next, isWhole } = kind.take(errand, fieldsOf(answer.reply, slot), slot)
    if (!isWhole) kind.ask(parts, next, slot)
    else {
      mayFinish(next.caller)
      kind.finish(parts, next, slot)
      end(kind, parts, next, { reply: NOTHING }, slot)
    }
  } catch (error) {
    end(kind, parts, errand, { reject: rejectOf(error) }, slot)
  }
  slot.hasActed = true
  return true
}

/** The canister is emptied: what it fetches for is over. */
export function abandon<E extends Errand>(kind: ErrandKind<E>, parts: InstallParts, reject: Reject, slot: Slot): void {
  const errand = kind.read(slot.cells)
  if (errand === undefined) return
  const { machine } = parts
  slot.cells.delete(numbered(CALLBACKS, errand.callback))
  machine.change({ openCallbacks: machine.state.openCallbacks - 1 })
  end(kind, parts, errand, { reject }, slot)
}

function end<E extends Errand>(
  kind: ErrandKind<E>,
  { post }: InstallParts,
  { origin, cycles }: E,
  answer: Outcome['answer'],
  slot: Slot,
): void {
  kind.clear(slot.cells)
  post.answer(origin, { answer, refund: cycles }, slot)
}

/** What the caller is told of what went wrong. */
function rejectOf(error: unknown): Reject {
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
