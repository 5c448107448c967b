/** Canisters as a compute host runs them, on one core; and canisters that wake. */
import { z } from 'zod'
import { askProgram, progress } from '../peer-child.ts'
import type { Row } from './row.ts'
import { microseconds, milliseconds, perSecond } from './show.ts'

const Figures = z.object({
  perExecutionUs: z.number(),
  perSlotUs: z.number(),
  fromCheckpointMs: z.number(),
  fromCheckpointP99Ms: z.number(),
  fromMemoryMs: z.number(),
  fromMemoryP99Ms: z.number(),
  bytes: z.number(),
  rss: z.number(),
})

const PROGRAM = new URL('../programs/canisters.ts', import.meta.url)
const GOALS = { wasm32: 100_000, wasm64: 50_000 } as const
const WAKE_GOAL_MS = 10
const CANISTERS = 10_000

export const canisterExecutionRow: Row = {
  number: 16,
  title: 'Execution of canisters',
  covers:
    'A counter in Motoko, in one program as in a compute host, per second of CPU time of one core. Execution: message in, system calls, metered code, ' +
    'dirty chunks kept so that a trap can be undone, output. Slot: the same in frames of 200 requests, with their decoding, request ids, results and state root. ' +
    'Wake: from a checkpoint in memory to the first reply, instance and heap included, median and 99th percentile of 1,000; the disk is not in it. The figures of the IC are of 13 machines that agree.',
  async run(context) {
    for (const kind of ['wasm32', 'wasm64'] as const) {
      const quick = { kind, executions: 20_000, slots: 4_000, canisters: 500 }
      const input = context.quick ? quick : { kind, executions: 200_000, slots: 40_000, canisters: CANISTERS }
      const figures = await askProgram(PROGRAM, input, Figures, context)
      const executions = 1e6 / figures.perExecutionUs
      progress(`${kind}: ${perSecond(executions)}`)
      context.add({
        what: `canister execution in the compute host, ${kind}`,
        measured: `${perSecond(executions, 'updates')} (${microseconds(figures.perExecutionUs)})`,
        goal: `≥ ${GOALS[kind].toLocaleString('en')}/s`,
        met: executions >= GOALS[kind],
      })
      context.add({ what: `whole slots of requests, ${kind}`, measured: `${perSecond(1e6 / figures.perSlotUs, 'slots')} (${microseconds(figures.perSlotUs)})` })
      context.add({
        what: `${input.canisters.toLocaleString('en')} canisters in one host, wake of one, ${kind}`,
        measured:
          `${milliseconds(figures.fromCheckpointMs)} (p99 ${milliseconds(figures.fromCheckpointP99Ms)}) from a checkpoint, ` +
          `${milliseconds(figures.fromMemoryMs)} (p99 ${milliseconds(figures.fromMemoryP99Ms)}) if held; ${Math.round(figures.bytes / 1024)} KiB each, ${Math.round(figures.rss / 2 ** 20)} MiB in all`,
        goal: `< ${WAKE_GOAL_MS} ms`,
        met: figures.fromCheckpointP99Ms < WAKE_GOAL_MS,
      })
    }
  },
}
