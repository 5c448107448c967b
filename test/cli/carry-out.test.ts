import { expect, it, onTestFinished, vi } from 'vitest'
import { carryOut } from '../../cli/project/carry-out.ts'
import type { Step } from '../../cli/project/plan.ts'
import type { Terminal } from '../../cli/terminal.ts'
import type { Client, Signer } from '../../sdk/index.ts'

it('tells, where somebody looks, that a process is on its way to the node for so long', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let told = ''
  const terminal = { isLive: true, err: (text: string) => (told += text) } as unknown as Terminal
  const client = { modules: { addItem: () => new Promise(() => undefined) } } as unknown as Client
  const step = {
    built: { name: 'counter' },
    children: [],
    item: {},
    action: 'spawn',
    process: undefined,
  } as unknown as Step
  const signer = {} as unknown as Signer
  void carryOut(client, step, { signer, pending: 'wait', limits: {}, terminal })
  await vi.advanceTimersByTimeAsync(2000)
  expect(told).toContain('bringing counter to the node … 2 s')
})
