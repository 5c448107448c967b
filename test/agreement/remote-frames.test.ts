import { expect, test } from 'vitest'
import { RemoteFrames } from '../../agreement/remote-frames.ts'
import { asKeyId } from '../../protocol/index.ts'
import { agreedProcess as process } from '../fakes/agreed-process.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'

test('units that answer at once and with nothing are not asked all the faster for it', async () => {
  const clock = new ManualClock()
  let asked = 0
  const frames = new RemoteFrames({
    key: asKeyId(keyOf(9)),
    peers: {
      finalFrames: async () => {
        asked += 1
        // Were nobody to pause, time would have to move here for this to end.
        if (asked > 100) clock.advance(60_000)
        return []
      },
    },
    clock,
    trouble: () => undefined,
  })
  const found = frames.at(process, 0, { timeoutMs: 1_000 })
  for (let passed = 0; passed <= 1_000; passed += 100) {
    await settle()
    clock.advance(100)
  }
  expect(await found).toBeUndefined()
  expect(asked).toBeLessThan(10)
})
