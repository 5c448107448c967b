import { expect, it } from 'vitest'
import { StateLook } from '../../cli/project/state-look.ts'
import type { Terminal } from '../../cli/terminal.ts'
import { describeContract } from '../../contract/index.ts'
import { Failure } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import { Counter } from '../contract/counter.contract.ts'

/** A look at processes whose states are those, one after the other; and what is told of them. */
function looksAt(states: readonly (() => Promise<unknown>)[]) {
  const told: string[] = []
  let at = 0
  const client = {
    processes: { interface: async () => describeContract(Counter) },
    process: () => ({ state: () => states[at++]?.() }),
  } as unknown as Client
  const terminal = {
    err: (text: string) => told.push(text.split('\n', 1)[0] ?? ''),
    paintErr: (_: string, text: string) => text,
    signal: new AbortController().signal,
  } as unknown as Terminal
  return { look: new StateLook(client, terminal), told, asked: () => at }
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
