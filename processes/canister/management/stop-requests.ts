import { CborReader, CborWriter, type CellKey, type Cells, type Slot as SlotNumber } from '../../../protocol/index.ts'
import { everyKeyUnder, keysUnder, numbered } from '../cell-keys.ts'
import { type Origin, readOrigin, writeOrigin } from '../records.ts'

const STOPS = 'q/'
const NO_BYTES = new Uint8Array(0)
const LOW = (1n << 64n) - 1n

/** A request to stop that waits until the canister has. */
export interface StopRequest {
  readonly askedMs: number
  readonly origin: Origin
  /** Those that go back with the answer. */
  readonly cycles: bigint
}

/** Has the request of this slot wait; says whether it is the first that does. */
export function putStop(cells: Cells, slot: SlotNumber, { askedMs, origin, cycles }: StopRequest): boolean {
  const isFirst = keysUnder(cells, STOPS).length === 0
  const writer = new CborWriter()
  writer.array(4)
  writer.uint(askedMs)
  writeOrigin(writer, origin)
  writer.uint(cycles >> 64n)
  writer.uint(cycles & LOW)
  cells.set(numbered(STOPS, slot), writer.finish())
  return isFirst
}

/** The requests that wait, the longest waiting first. */
export function* stopRequests(cells: Cells): Generator<StopRequest & { readonly key: CellKey }> {
  for (const key of everyKeyUnder(cells, STOPS)) {
    const reader = new CborReader(cells.get(key) ?? NO_BYTES)
    reader.array()
    const [askedMs, origin] = [Number(reader.uint()), readOrigin(reader)]
    yield { key, askedMs, origin, cycles: (BigInt(reader.uint()) << 64n) | BigInt(reader.uint()) }
  }
}
