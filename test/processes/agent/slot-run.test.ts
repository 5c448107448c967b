import { expect, it } from 'vitest'
import { AGENT_GAS } from '../../../processes/agent/gas.ts'
import { COUNT, MARK } from '../../../processes/agent/guest/quick-text.ts'
import type { Delivery } from '../../../processes/agent/delivery.ts'
import type { Machine } from '../../../processes/agent/machine.ts'
import { Positions } from '../../../processes/agent/positions.ts'
import { runSlot, type SlotEnd, type SlotRun } from '../../../processes/agent/slot-run.ts'
import { FakeContext, fakeProcess, guestMessage, tags } from '../../fakes/guest-context.ts'
import type { GuestMessage } from '../../../protocol/index.ts'

const unclear = (text: string): Buffer => Buffer.from(`${COUNT}1${COUNT}${MARK}${MARK}${text}${MARK}`)
const QUOTED = Buffer.from('"a mark \\u0001"')
const IS_QUOTED = 512
const LIMIT = 1_000_000n

/** Runs a slot on a machine whose code takes so much gas, and answers with a text that holds a mark; gives how it ended, and the gas that each attempt was given. */
function run(message: GuestMessage, gas: bigint, text = ''): { end: SlotEnd; limits: bigint[] } {
  const limits: bigint[] = []
  const calls = { gas: { value: 0n } }
  const deliver = ({ numbers }: Delivery): Buffer => {
    limits.push(calls.gas.value)
    calls.gas.value -= gas
    return ((numbers[1] ?? 0) & IS_QUOTED) === 0 ? unclear(text) : QUOTED
  }
  const machine = { calls, inputs: {}, steps: 0, countDirty: () => 0, deliver } as unknown as Machine
  const end = runSlot({
    message,
    gasLimit: LIMIT,
    process: fakeProcess(2),
    context: new FakeContext(),
    machine: () => machine,
  } as Partial<SlotRun> as SlotRun)
  return { end, limits }
}

it('what runs again for its quotes has all gas once more; both runs are charged, and what was read in vain', () => {
  const message = guestMessage({ kind: 'query' })
  const { end, limits } = run(message, 100_000n)
  expect(limits).toEqual([LIMIT, LIMIT])
  const { gas } = end.ending
  expect(run(message, 100_001n).end.ending.gas - gas).toBe(2n)
  expect(run(message, 100_000n, 'a'.repeat(1000)).end.ending.gas - gas).toBe(1000n * BigInt(AGENT_GAS.quotingByte))
})

it('no more is charged than the limit', () => {
  expect(run(guestMessage({ kind: 'query' }), 900_000n).end.ending).toMatchObject({
    status: 'ok',
    gas: LIMIT,
  })
})

it('half of it is kept both times, where a step that fails is answered', () => {
  const message = guestMessage({ kind: 'message', tags: tags('X-Reference', '1') })
  expect(run(message, 100_000n).limits).toEqual([LIMIT / 2n, LIMIT / 2n])
})

it('half of what is left is kept however many failures that cost little were found before', () => {
  const limits: bigint[] = []
  const calls = { gas: { value: 0n } }
  const deliver = (): Buffer => {
    limits.push(calls.gas.value)
    const failure = [0, 'threw', '', '', false, limits.length]
    return Buffer.from(limits.length > 4 ? '\n{}' : `${JSON.stringify({ failures: [failure] })}\n`)
  }
  const machine = { calls, inputs: {}, steps: 0, countDirty: () => 0, deliver } as unknown as Machine
  const end = runSlot({
    message: guestMessage({ kind: 'tick' }),
    gasLimit: LIMIT,
    process: fakeProcess(2),
    context: new FakeContext(),
    positions: new Positions(undefined),
    machine: () => machine,
  } as Partial<SlotRun> as SlotRun)
  expect(end.ending.status).toBe('ok')
  expect(limits).toHaveLength(5)
  for (const limit of limits) expect(limit).toBeLessThanOrEqual(LIMIT / 2n)
})
