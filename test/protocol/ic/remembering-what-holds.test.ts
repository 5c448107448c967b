import { expect, it } from 'vitest'
import { rememberingWhatHolds } from '../../../protocol/ic/remembering-what-holds.ts'

const [KEY, OTHER] = [Uint8Array.of(1), Uint8Array.of(2)]
const message = (n: number): Uint8Array => Uint8Array.of(3, n)

it('what held is checked once as long as it is among the newest, what did not hold each time', () => {
  const checked: string[] = []
  const holds = rememberingWhatHolds((key, _, [, n]) => {
    checked.push(`${key[0]} ${n}`)
    return key === KEY
  }, 2)
  for (const n of [1, 1, 2, 1]) expect(holds(KEY, KEY, message(n))).toBe(true)
  expect(checked).toEqual(['1 1', '1 2'])
  for (let time = 0; time < 2; time++) expect(holds(OTHER, KEY, message(1))).toBe(false)
  expect(checked.splice(0)).toEqual(['1 1', '1 2', '2 1', '2 1'])
  for (const n of [3, 2, 1]) expect(holds(KEY, KEY, message(n))).toBe(true)
  expect(checked).toEqual(['1 3', '1 1'])
})
