import { types } from 'node:util'
import { expect, test } from 'vitest'
import { withOverrides } from '../../node/with-overrides.ts'

class Counter {
  readonly #step: number
  count = 0

  constructor(step: number) {
    this.#step = step
  }

  get double(): number {
    return 2 * this.count
  }

  add(): number {
    this.count += this.#step
    return this.count
  }

  reset(): void {
    this.count = 0
  }

  [Symbol.dispose](): void {
    this.count = -1
  }
}

class NamedCounter extends Counter {
  override add(): number {
    return super.add() + 100
  }
}

test('what is not replaced is that of the whole, with all that it hides and all that changes', () => {
  const whole = new NamedCounter(3)
  const changed = withOverrides<Counter>(whole, { reset: () => void (whole.count = 50) })
  const { add } = changed
  expect([add(), changed.count, changed.double, whole.count]).toEqual([103, 3, 6, 3])
  changed.reset()
  expect([changed.count, changed.double]).toEqual([50, 100])
  changed[Symbol.dispose]()
  expect(whole.count).toBe(-1)
  expect(types.isProxy(changed)).toBe(false)
})
