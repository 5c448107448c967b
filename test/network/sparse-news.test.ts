import { expect, it } from 'vitest'
import { asKeyId, type Failure, SparseNews } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { Network } from '../../network/index.ts'

it('what happens all the time is told now and then, with how often it was not told', () => {
  let nowMs = 0
  const news = new SparseNews(() => nowMs)
  const told = (times: number): number[] =>
    Array.from({ length: times }, () => news.happened()).filter(one => one !== undefined)
  expect(told(1_000)).toEqual(Array.from({ length: 20 }, () => 0))
  nowMs = 9_999
  expect(told(10)).toEqual([])
  nowMs = 10_000
  expect(told(2)).toEqual([990, 0])
})

it('a node writes no line for each key that offends', async () => {
  const told: Failure[] = []
  const trouble = (_what: string, failure: Failure): void => void told.push(failure)
  await using network = await Network.open({ seed: new Uint8Array(32).fill(1), listen: [], peers: [], trouble })
  for (let seed = 10; seed < 110; seed++) network.offend(asKeyId(keyOf(seed)), 'malformed', 'nonsense')
  expect(told.map(({ code }) => code)).toEqual(Array.from({ length: 20 }, () => 'peer-offence'))
})
