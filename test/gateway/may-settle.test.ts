import { describe, expect, it } from 'vitest'
import { maySettle } from '../../gateway/operations/may-settle.ts'
import { type CanisterAnswer, encodeCanisterOutput } from '../../protocol/index.ts'

const own = new Uint8Array(32).fill(7)
const earlier = new Uint8Array(32).fill(8)
const reply: CanisterAnswer = { reply: new Uint8Array(300) }
const reject: CanisterAnswer = { reject: { code: 4, message: 'no', error: 'IC0503' } }

const settles = (answers: readonly (readonly [Uint8Array, CanisterAnswer])[], more: object = {}): boolean =>
  maySettle({ status: 'ok', message: own, output: encodeCanisterOutput({ answers, changed: false, ...more }) })

describe('what may end messages of earlier slots', () => {
  it('is a slot of a canister in which another message than its own was answered', () => {
    expect(settles([[earlier, reply]])).toBe(true)
    expect(settles([[earlier, reject]])).toBe(true)
    expect(
      settles([
        [own, reply],
        [earlier, reject],
      ]),
    ).toBe(true)
  })

  it('is none in which nobody was answered, or its own message alone', () => {
    expect(settles([])).toBe(false)
    expect(settles([], { changed: true, certified: own })).toBe(false)
    expect(settles([[own, reply]])).toBe(false)
    expect(settles([[own, reject]])).toBe(false)
  })

  it('is one in which one of a slot without a name was answered', () => {
    const output = encodeCanisterOutput({ answers: [[own, reply]], changed: false })
    expect(maySettle({ status: 'ok', message: undefined, output })).toBe(true)
  })
})
