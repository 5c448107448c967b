import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { AgentFactory } from '../../../processes/agent/factory.ts'
import { AgentGuest } from '../../../processes/agent/guest.ts'
import { STACK_BYTES } from '../../../processes/agent/machine.ts'
import { CHUNK_SIZE_BYTES, type GuestFactory } from '../../../protocol/index.ts'
import { AgentDriver, loadAgent, spawnMessage } from './agent-driver.ts'

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('caller')
}, 180_000)

/** One slot: its action and input. */
type Slot = readonly [action: string, input?: unknown]

const slots: fc.Arbitrary<Slot> = fc.oneof(
  fc.string().map((text): Slot => ['note', { text }]),
  fc.string().map((text): Slot => ['noteAndFail', { text }]),
  fc.constantFrom<Slot>(['random'], ['forget'], ['timeouts'], ['nothing of the kind']),
  fc.constantFrom('in', 'every', 'cancel').map((kind): Slot => ['later', { kind }]),
  // Grows the memory.
  fc.integer({ min: 1, max: 4 }).map((n): Slot => ['note', { text: 'x'.repeat(200_000 * n) }]),
)
const frames = fc.array(fc.array(slots, { minLength: 1, maxLength: 6 }), { maxLength: 5 })

function open(): AgentDriver {
  const driver = new AgentDriver(factory)
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

function stateOf({ guest }: AgentDriver) {
  const { pages } = guest
  const chunks = Array.from({ length: (pages * 65_536) / CHUNK_SIZE_BYTES }, (_, index) =>
    Buffer.from(guest.chunk(index)).toString('latin1'),
  )
  return { pages, engine: [...guest.engine()], memory: chunks.join('') }
}

/** Memory of megabytes is compared here: what would print it helps nobody. */
function expectSame(one: AgentDriver, other: AgentDriver): void {
  const [a, b] = [stateOf(one), stateOf(other)]
  expect([a.pages, a.engine]).toEqual([b.pages, b.engine])
  expect(a.memory === b.memory).toBe(true)
}

describe('an agent whose changes are taken over after several slots', () => {
  it('ends in the state in which one ends that is asked after each of them', {
    timeout: 120_000,
  }, () => {
    fc.assert(
      fc.property(frames, all => {
        const [lazy, eager, other] = [open(), open(), open()]
        for (const frame of all) {
          for (const [action, input] of frame) {
            const { ending } = eager.send(action, input)
            eager.guest.takeChanged()
            expect(lazy.send(action, input).ending).toEqual(ending)
          }
          // Another may take the seat in between.
          other.send('random')
          expect(lazy.query('log')).toEqual(eager.query('log'))
        }
        expectSame(lazy, eager)
        for (const { guest } of [lazy, eager, other]) guest.close()
      }),
      { numRuns: 12 },
    )
  })

  it('leaves nothing of itself to who comes after it, when it is closed before it is asked', () => {
    const gone = open()
    gone.send('note', { text: 'of somebody else' })
    gone.guest.close()
    const [next, alone] = [open(), open()]
    expectSame(next, alone)
  })

  it('leaves nothing on the stack of its instance, for what a run reads there must not depend on those before it', () => {
    const agent = open()
    const { guest } = agent
    if (!(factory instanceof AgentFactory && guest instanceof AgentGuest)) throw new Error('expected an agent')
    for (const [action, text] of [
      ['note', 'a'],
      ['noteAndFail', 'b'],
      ['note', 'c'],
    ] as const) {
      agent.send(action, { text })
      const { memory } = factory.pageIn(guest).calls
      expect(memory.bytes.subarray(0, STACK_BYTES).every(byte => byte === 0)).toBe(true)
    }
  })

  it('tells which chunks changed in all of the slots', () => {
    const [lazy, eager] = [open(), open()]
    const told = new Set<number>()
    for (let n = 0; n < 5; n++) {
      for (const agent of [lazy, eager]) agent.send('note', { text: `${n}` })
      for (const index of eager.guest.takeChanged()) told.add(index)
    }
    const atOnce = lazy.guest.takeChanged()
    expect(atOnce.every(index => told.has(index))).toBe(true)
    expectSame(lazy, eager)
  })
})
