import { describe, expect, it } from 'vitest'
import {
  asMessageId,
  asProcessId,
  encodeFrame,
  type MessageId,
  type ProcessId,
  RECENT_RECEIPTS_MAX,
  RECENT_RECEIPTS_MAX_BYTES,
  type ProcessDescription,
} from '../../protocol/index.ts'
import { RecentReceipts } from '../../scheduler-unit/lanes/recent-receipts.ts'
import { fakeId } from '../fakes/guest-context.ts'

const P = asProcessId(fakeId(1))
const OTHER = asProcessId(fakeId(2))
const id = (number: number): MessageId => asMessageId(String(number))
const envelope = (number: number) => ({ kind: 'item', item: Uint8Array.of(number % 256, 7, 7) }) as const

/** A frame of messages with these numbers. */
function frame(
  numbers: readonly number[],
  firstSlot = 0,
  process: ProcessId = P,
): Parameters<RecentReceipts['add']>[0] {
  const assignments = numbers.map(number => ({ timestampMs: 1_000 + number, envelope: envelope(number) }))
  return {
    process: { id: process } as ProcessDescription,
    firstSlot,
    ids: numbers.map(id),
    bytes: encodeFrame(firstSlot, assignments),
  }
}

function recentOf(...frames: readonly ReturnType<typeof frame>[]): RecentReceipts {
  const recent = new RecentReceipts()
  for (const one of frames) recent.add(one, one.ids)
  return recent
}

describe('receipts remembered', () => {
  it('say what was said, and of what bytes', async () => {
    const recent = recentOf(frame([1, 2, 3], 10), frame([4], 13))
    for (const [number, slot] of [
      [1, 10],
      [3, 12],
      [4, 13],
    ] as const) {
      const seated = recent.get(P, id(number))
      const receipt = { id: id(number), process: P, slot, timestampMs: 1_000 + number }
      expect(await seated?.answer).toEqual({ status: 'scheduled', receipt })
      expect(seated?.envelope).toEqual(envelope(number))
    }
    expect(recent.get(OTHER, id(1))).toBeUndefined()
    expect(recent.get(P, id(5))).toBeUndefined()
  })

  it('are of what is told by its id alone', () => {
    const recent = new RecentReceipts()
    recent.add(frame([1, 2]), [id(2)])
    expect(recent.get(P, id(1))).toBeUndefined()
    expect(recent.get(P, id(2))).toBeDefined()
  })

  it('are the last ones, by number', () => {
    const last = RECENT_RECEIPTS_MAX
    const recent = recentOf(
      frame([0, 1]),
      ...Array.from({ length: last - 2 }, (_, at) => frame([at + 2])),
      frame([last]),
    )
    // Frames are forgotten whole.
    expect([0, 1, 2, last].map(number => recent.get(P, id(number)) !== undefined)).toEqual([false, false, true, true])
  })

  it('are the last ones, by the bytes they hold', () => {
    const large = (number: number): ReturnType<typeof frame> => {
      const bytes = new Uint8Array(RECENT_RECEIPTS_MAX_BYTES / 4)
      bytes.set(frame([number]).bytes)
      return { ...frame([number]), bytes }
    }
    const recent = recentOf(...[0, 1, 2, 3, 4, 5].map(large))
    const known = [0, 1, 2, 3, 4, 5].map(number => recent.get(P, id(number)) !== undefined)
    expect(known).toEqual([false, false, true, true, true, true])
  })

  it('are of the process where a message stood last', () => {
    const recent = recentOf(frame([1, 2]), frame([1], 5, OTHER))
    expect(recent.get(P, id(1))).toBeUndefined()
    expect(recent.get(OTHER, id(1))).toBeDefined()
    recent.forgetAll(OTHER)
    expect(recent.get(OTHER, id(1))).toBeUndefined()
    expect(recent.get(P, id(2))).toBeDefined()
  })
})
