import { expect, test } from 'vitest'
import type { FailedEffect } from '../../messenger-unit/index.ts'
import { createEffectLog } from '../../node/operating/effect-log.ts'
import { asProcessId } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { ManualClock } from '../fakes/manual-clock.ts'

const failed = (code: string): FailedEffect => ({
  effect: 'http.fetch',
  process: asProcessId(fakeId(1)),
  code,
  host: 'api.example',
  status: undefined,
  reason: 'ECONNREFUSED',
})

test('what fails outside is a warning, what the node refuses is not, and neither fills the log', () => {
  const clock = new ManualClock()
  const lines: [string, object][] = []
  const note = (level: string) => (facts: object, text: string) => void lines.push([`${level}: ${text}`, facts])
  const tell = createEffectLog({ info: note('info'), warn: note('warn') }, clock)
  for (let times = 0; times < 1000; times++) tell(failed('effect-forbidden'))
  tell(failed('effect-timeout'))
  expect(lines).toHaveLength(21)
  expect(lines[0]).toEqual(['info: an effect was refused', failed('effect-forbidden')])
  expect(lines[20]).toEqual(['warn: an effect failed', failed('effect-timeout')])
  clock.advance(10_000)
  tell(failed('effect-unknown'))
  expect(lines[21]).toMatchObject(['info: an effect was refused', { unsaid: 980 }])
})
