import { expect, test } from 'vitest'
import { TimerWatch } from '../../agreement/index.ts'
import { asProcessId, Failure, type Timer } from '../../protocol/index.ts'
import { afterwards } from '../fakes/afterwards.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

const PROCESS = asProcessId('A'.repeat(43))
const TIMER: Timer = { key: 'k' as Timer['key'], dueMs: 5, everyMs: undefined }

test.each([
  ['disk-full', true],
  ['unreachable', true],
  ['unknown-process', false],
] as const)('timers that could not be asked for, %s, are asked for again: %s', async (code, isAgain) => {
  const armed: (readonly Timer[])[] = []
  const clock = new ManualClock()
  let failures = 3
  const watch = new TimerWatch({
    computer: {
      timers: async () => {
        if (failures-- > 0) throw new Failure(code)
        return [TIMER]
      },
    },
    store: MemoryLog.open().store,
    clock,
    arm: (_, timers) => void armed.push(timers),
  })
  watch.changed(PROCESS)
  for (let turn = 0; turn < 5; turn++) {
    await settle(3)
    clock.advance(30_000)
  }
  expect(armed).toEqual(isAgain ? [[TIMER]] : [])
  watch.stop()
})

test('timers that change just as they were asked for are asked for again', async () => {
  let asked = 0
  const watch: TimerWatch = new TimerWatch({
    computer: {
      timers: () =>
        afterwards([TIMER], () => {
          if (asked++ === 0) watch.changed(PROCESS)
        }),
    },
    store: MemoryLog.open().store,
    clock: new ManualClock(),
    arm: () => undefined,
  })
  watch.changed(PROCESS)
  await settle()
  expect(asked).toBe(2)
  watch.stop()
})
