import { expect, it } from 'vitest'
import type { Entry } from '../../../processes/agent/entry.ts'
import type { Machine } from '../../../processes/agent/machine.ts'
import { Positions } from '../../../processes/agent/positions.ts'
import { runSlot, type SlotRun } from '../../../processes/agent/slot-run.ts'
import { FakeContext, fakeProcess, guestMessage } from '../../fakes/guest-context.ts'

const LIMIT = 1_000_000n

it('half of what is left is kept however many failures that cost little were found before', () => {
  const limits: bigint[] = []
  const calls = { gas: { value: 0n } }
  const deliver = (): Buffer => {
    limits.push(calls.gas.value)
    const failure = [0, 'threw', '', '', false, limits.length]
    return Buffer.from(limits.length > 4 ? '\n{}' : `${JSON.stringify({ failures: [failure] })}\n`)
  }
  const entry = { routes: undefined } as Entry
  const machine = { calls, inputs: {}, steps: 0, countDirty: () => 0, deliver } as unknown as Machine
  const end = runSlot({
    message: guestMessage({ kind: 'tick' }),
    gasLimit: LIMIT,
    process: fakeProcess(2),
    context: new FakeContext(),
    positions: new Positions(undefined),
    entry,
    machine: () => machine,
  } as Partial<SlotRun> as SlotRun)
  expect(end.ending.status).toBe('ok')
  expect(limits).toHaveLength(5)
  for (const limit of limits) expect(limit).toBeLessThanOrEqual(LIMIT / 2n)
})
