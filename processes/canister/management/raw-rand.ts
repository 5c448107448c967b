import type { Cells } from '../../../protocol/index.ts'
import { numbered } from '../cell-keys.ts'
import { REJECT, Rejected } from '../canister-trap.ts'

/** Calls of `raw_rand` that wait, by the number of their callback. */
const DRAWS = 'r/'
const RANDOM_BYTES = 32

/** What the messenger unit is asked for. */
export const RANDOM_INPUT = { length: RANDOM_BYTES } as const

/** A call waits for bytes. */
export function putDraw(cells: Cells, callback: number): void {
  cells.set(numbered(DRAWS, callback), Uint8Array.of(1))
}

/** Says whether a call waits for bytes, which it does no longer: its first outcome counts. */
export function takeDraw(cells: Cells, callback: number): boolean {
  const key = numbered(DRAWS, callback)
  if (cells.get(key) === undefined) return false
  cells.delete(key)
  return true
}

/** The bytes of an outcome. @throws {Rejected} */
export function readRandomOutcome(failed: boolean, data: Uint8Array): Uint8Array {
  const bytes = failed ? undefined : bytesIn(data)
  if (bytes?.length === RANDOM_BYTES) return bytes
  throw new Rejected('IC0206', 'there is no randomness at hand', REJECT.transient)
}

function bytesIn(data: Uint8Array): Uint8Array | undefined {
  try {
    const told = JSON.parse(Buffer.from(data).toString()) as { base64?: unknown } | null
    return typeof told?.base64 === 'string' ? new Uint8Array(Buffer.from(told.base64, 'base64')) : undefined
  } catch {
    return undefined
  }
}
