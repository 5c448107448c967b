import { expect, it } from 'vitest'
import { StateLook } from '../../cli/project/state-look.ts'
import type { Terminal } from '../../cli/terminal.ts'
import { describeContract } from '../../contract/index.ts'
import { Failure } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import { Counter } from '../contract/counter.contract.ts'

/** A look at processes whose states are those, one after the other, and of which their program says that; and what is told of them. */
function looksAt(states: readonly (() => Promise<unknown>)[], error?: { code: string; message: string }) {
  const told: string[] = []
  const wishes: object[] = []
  let at = 0
  const client = {
    processes: {
      interface: async () => describeContract(Counter),
      get: async () => ({ moduleInForce: 'module' }),
      checkUpgrade: async (_: string, wish: object) => {
        wishes.push(wish)
        return { error }
      },
    },
    process: () => ({ state: () => states[at++]?.() }),
  } as unknown as Client
  const terminal = {
    err: (text: string) => told.push(text.split('\n', 1)[0] ?? ''),
    paintErr: (_: string, text: string) => text,
    signal: new AbortController().signal,
  } as unknown as Terminal
  return { look: new StateLook(client, terminal), told, asked: () => at, wishes }
}

const UNFIT = '✖ hits: its state does not fit its contract: total: Invalid input: expected integer, received string'

it('tells once that a state does not fit its contract, and again after one that did', async () => {
  const [fits, fitsNot] = [async () => ({ total: 1 }), async () => ({ total: '\u001b[2J' })]
  const { look, told, asked } = looksAt([fits, fitsNot, fitsNot, fits, fitsNot])
  for (let count = 1; count <= 5; count++) {
    look.look('hits', 'id')
    await expect.poll(asked).toBe(count)
    await new Promise(setImmediate)
  }
  expect(told).toEqual([UNFIT, UNFIT])
})

it('looks once more after a look during which slots came, and says nothing of what has no state', async () => {
  const first = Promise.withResolvers<unknown>()
  const none = async () => Promise.reject(new Failure('process-error'))
  const { look, told, asked } = looksAt([() => first.promise, none, none])
  for (let count = 0; count < 100; count++) look.look('hits', 'id')
  await expect.poll(asked).toBe(1)
  look.look('hits', 'id')
  first.resolve({ total: 'x', other: 1 })
  await expect.poll(asked).toBe(2)
  await new Promise(setImmediate)
  expect([told, asked()]).toEqual([[`${UNFIT}; other: Unrecognized field (it takes total)`], 2])
})

it('asks the program itself, on a copy, what its description cannot say', async () => {
  const message = 'state of counter 1.0.0: lo is above hi'
  const states = [async () => ({ total: 1 })]
  const { look, told, wishes } = looksAt(states, { code: 'bad-state', message })
  look.look('hits', 'id')
  await expect.poll(() => told).toEqual(['✖ hits: its state does not fit its contract: lo is above hi'])
  expect(wishes).toEqual([{ module: 'module', pending: 'reject', replay: 0 }])
  const other = looksAt(states, { code: 'out-of-gas', message })
  other.look.look('hits', 'id')
  await expect.poll(() => other.wishes).toHaveLength(1)
  await new Promise(setImmediate)
  expect(other.told).toEqual([])
})
