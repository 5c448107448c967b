import { describe, expect, it } from 'vitest'
import { asMessageId, asProcessId, RECENT_RECEIPTS_MAX, RECENT_RECEIPTS_MAX_BYTES } from '../../protocol/index.ts'
import { RecentReceipts, type Seated } from '../../scheduler-unit/recent-receipts.ts'
import { fakeId } from '../fakes/guest-context.ts'

const P = asProcessId(fakeId(1))
const NEVER = new Promise<never>(() => undefined)
const seated = (bytes: number): Seated => ({ bytes: new Uint8Array(bytes), receipt: NEVER })
const id = (number: number): ReturnType<typeof asMessageId> => asMessageId(String(number))

describe('receipts remembered', () => {
  it('are the last ones, by number', () => {
    const recent = new RecentReceipts()
    for (let i = 0; i < RECENT_RECEIPTS_MAX + 5; i++) recent.add(P, id(i), seated(1))
    expect(recent.get(P, id(4))).toBeUndefined()
    expect(recent.get(P, id(5))).toBeDefined()
    expect(recent.get(asProcessId(fakeId(2)), id(5))).toBeUndefined()
  })

  it('are the last ones, by the bytes they hold', () => {
    const recent = new RecentReceipts()
    const whole = RECENT_RECEIPTS_MAX_BYTES / 4
    for (let i = 0; i < 6; i++) recent.add(P, id(i), seated(whole))
    expect([0, 1, 2, 3, 4, 5].map(i => recent.get(P, id(i)) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ])
    recent.add(P, id(5), seated(1))
    recent.add(P, id(6), seated(whole - 1))
    expect(recent.get(P, id(2))).toBeDefined()
  })
})
