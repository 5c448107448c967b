import {
  asMessageId,
  type DataItem,
  describeProcess,
  type Envelope,
  Failure,
  isControl,
  type ScheduleRequest,
  spawnWindow,
} from '../../protocol/index.ts'
import type { Lane } from '../lanes/lane.ts'
import { known, type Seat } from '../lanes/outcome.ts'
import { admitItem, admitWhole, outlineItem } from './admission.ts'
import type { Gathering } from './gathering.ts'
import { sameItem } from './known-receipts.ts'
import type { SeatingParts } from './seating-parts.ts'

type Item = Extract<Envelope, { kind: 'item' }>

/** An item that somebody signed: checked, and given its slot. One that has a slot already is given its receipt. @throws {Failure} */
export async function seatItem(
  parts: SeatingParts,
  { process, id: named }: ScheduleRequest,
  envelope: Item,
): Promise<Seat> {
  const { receipts, lanes } = parts
  const item = outlineItem(envelope.item, named)
  const id = asMessageId(item.id)
  const repeated = await receipts.known(process, id, envelope.item)
  if (repeated !== undefined) return { answer: known(repeated.answer) }
  // Before a lane is opened for it: anybody can name a process.
  await admitWhole(parts, process, item)
  const spawned = item.id === process ? describeProcess(envelope) : undefined
  const lane = await lanes.get(process, spawned)
  // Two requests with the same item may both have come here.
  const raced = lane.recent(id)
  if (raced !== undefined) return { answer: known(sameItem(raced, envelope.item, id).answer) }
  if (spawned === undefined && lane.nextSlot === 0) throw new Failure('unknown-process', { process })
  return enqueue(parts, lane, envelope, item, false)
}

/** The same without a wait: nothing, if something has to be looked up. @throws {Failure} */
export function seatItemNow(
  parts: SeatingParts,
  lane: Lane,
  envelope: Item,
  named: string | undefined,
  gathering: Gathering,
): Seat | undefined {
  const item = outlineItem(envelope.item, named)
  const id = asMessageId(item.id)
  const process = lane.process.id
  // What controls a process names modules, which have to be looked up.
  if (isControl(item.tags)) return undefined
  if (item.id === process || lane.recent(id) !== undefined || !parts.log.messages.lacks(process, id)) return undefined
  const gathers = gathering.adds(lane)
  admitItem(envelope.item, process, parts.clock.now(), item)
  return enqueue(parts, lane, envelope, item, gathers)
}

function enqueue({ rates, clock }: SeatingParts, lane: Lane, envelope: Item, item: DataItem, gathers: boolean): Seat {
  rates.expect(item.ownerAddress, clock.now())
  const window = item.id === lane.process.id ? spawnWindow(lane.process) : undefined
  return lane.enqueue(asMessageId(item.id), envelope, { window, gathers })
}
