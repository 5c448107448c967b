import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { SearchBudget, SearchTurns } from '../../../gateway/ao/graphql/search-budget.ts'

it('in each turn of the event loop one search goes on, however many there are, and all of them in turn', async () => {
  const turns = new SearchTurns()
  const looked = Array.from({ length: 20 }, () => 0)
  const ended = new AbortController()
  const searches = looked.map(async (_, at) => {
    const budget = new SearchBudget(ended.signal, turns)
    while (await budget.takeEntries(1)) looked[at] = (looked[at] ?? 0) + 1
  })
  const sum = (): number => looked.reduce((all, count) => all + count, 0)
  for (let before = 0, n = 0; n < 100; n++, before = sum()) {
    await turn()
    expect(sum() - before).toBeLessThanOrEqual(1)
  }
  expect(Math.max(...looked) - Math.min(...looked)).toBeLessThanOrEqual(1)
  ended.abort(new Error('ended'))
  await expect(Promise.all(searches)).rejects.toThrow('ended')
})

it('a search whose client has gone ends at its next turn', async () => {
  const gone = new AbortController()
  const budget = new SearchBudget(gone.signal)
  expect(await budget.takeItem()).toBe(true)
  gone.abort(new Error('gone'))
  await expect(budget.takeItem()).rejects.toThrow('gone')
})
