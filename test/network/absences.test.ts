import { expect, it } from 'vitest'
import { Absences } from '../../network/peers/absences.ts'
import { asKeyId, Failure, toBase64Url } from '../../protocol/index.ts'

const keyOf = (n: number) => asKeyId(toBase64Url(new Uint8Array(32).fill(n)))

it('is left alone for longer each time, up to a second, until it is met', () => {
  let nowMs = 0
  const absences = new Absences(() => nowMs)
  const failure = new Failure('unreachable')
  /** After how many steps of 50 ms it may be dialled again. */
  const pauseMs = (): number => {
    const fromMs = nowMs
    absences.missed(keyOf(1), failure)
    for (; absences.of(keyOf(1)) !== undefined; nowMs += 50) expect(absences.of(keyOf(1))).toBe(failure)
    return nowMs - fromMs
  }
  expect(absences.of(keyOf(1))).toBeUndefined()
  expect([pauseMs(), pauseMs(), pauseMs(), pauseMs()]).toEqual([250, 500, 1_000, 1_000])
  expect(absences.of(keyOf(2))).toBeUndefined()
  absences.missed(keyOf(1), failure)
  absences.met(keyOf(1))
  expect(absences.of(keyOf(1))).toBeUndefined()
  expect(pauseMs()).toBe(250)
})
