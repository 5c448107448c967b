import { expect, it } from 'vitest'
import { MemoryAtRest } from '../../node/memory/memory-at-rest.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'

/** A program that is watched: each second it is told how much processor time it used. */
class Watched implements Disposable {
  readonly #clock = new ManualClock()
  readonly #rest: MemoryAtRest
  #cpuMs = 0
  returned = 0

  constructor() {
    this.#rest = new MemoryAtRest({
      clock: this.#clock,
      cpuMs: () => this.#cpuMs,
      returnMemory: () => {
        this.returned += 1
        this.#cpuMs += 80
      },
    })
  }

  async seconds(count: number, cpuMsEach: number): Promise<void> {
    for (let second = 0; second < count; second++) {
      this.#cpuMs += cpuMsEach
      this.#clock.advance(1_000)
      await settle(2)
    }
  }

  get sleeping(): number {
    return this.#clock.sleeping
  }

  [Symbol.dispose](): void {
    this.#rest[Symbol.dispose]()
  }
}

it('memory goes back once, when work has ended', async () => {
  using watched = new Watched()
  await watched.seconds(5, 900)
  expect(watched.returned).toBe(0)
  await watched.seconds(10, 1)
  expect(watched.returned).toBe(1)
  await watched.seconds(600, 1)
  // the housekeeping of ten minutes is worth another look, not one each time
  expect(watched.returned).toBeLessThanOrEqual(2)
  await watched.seconds(2, 400)
  await watched.seconds(10, 1)
  expect(watched.returned).toBeGreaterThanOrEqual(2)
})

it('memory stays while a node is at work, however little', async () => {
  using watched = new Watched()
  for (let round = 0; round < 30; round++) {
    await watched.seconds(1, 100)
    await watched.seconds(2, 0)
  }
  expect(watched.returned).toBe(0)
})

it('nobody looks any more once it has ended', async () => {
  const watched = new Watched()
  await watched.seconds(1, 0)
  watched[Symbol.dispose]()
  await settle()
  expect(watched.sleeping).toBe(0)
})
