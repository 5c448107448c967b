import { expect, it, onTestFinished, vi } from 'vitest'
import { tooLong } from '../../compute-unit/hosts/too-long.ts'
import { QueryLane } from '../../compute-unit/queries/query-lane.ts'
import { QueryLanes } from '../../compute-unit/queries/query-lanes.ts'
import { asProcessId, SLOW_FOR_MS } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { ManualClock } from '../fakes/manual-clock.ts'

type Parts = ConstructorParameters<typeof QueryLanes>[0]
type Asked = Parameters<QueryLanes['query']>

it('a process whose query took long is asked beside others again after a while, whatever becomes of the date', async () => {
  const clock = new ManualClock()
  const asked = vi.spyOn(QueryLane.prototype, 'query')
  onTestFinished(() => asked.mockRestore())
  asked.mockResolvedValue({} as never)
  using lanes = new QueryLanes({ clock } as unknown as Parts)
  const [follower, message] = [{ process: { id: 'p' } }, {}] as unknown as Asked
  asked.mockRejectedValueOnce(tooLong(asProcessId(fakeId(1))))
  await lanes.query(follower, message, {})
  const [quick, slow] = asked.mock.contexts
  await lanes.query(follower, message, {})
  clock.setDate(-3_600_000)
  clock.advance(SLOW_FOR_MS)
  await lanes.query(follower, message, {})
  expect(quick).not.toBe(slow)
  expect(asked.mock.contexts[2]).toBe(slow)
  expect(asked.mock.contexts[3]).toBe(quick)
})
