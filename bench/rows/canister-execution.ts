/** Canisters as a compute host runs them, on one core; and thousands of them on a node, most of which sleep. */
import { z } from 'zod'
import { askProgram, progress } from '../peer-child.ts'
import type { Row } from './row.ts'
import { microseconds, perSecond } from './show.ts'
import { sleepingCanisters } from './sleeping-canisters.ts'

const Figures = z.object({
  perExecutionUs: z.number(),
  perSlotUs: z.number(),
})

const PROGRAM = new URL('../programs/canisters.ts', import.meta.url)
const GOALS = { wasm32: 100_000, wasm64: 50_000 } as const
/** Woken before, not counted: a node that has woken nobody yet compiles what it does for them. */
const WARM = 20
const COUNTS = { canisters: 10_000, warm: WARM, wakes: 1_000 }
const QUICK_COUNTS = { canisters: 300, warm: WARM, wakes: 30 }

export const canisterExecutionRow: Row = {
  number: 16,
  title: 'Execution of canisters',
  covers:
    'A counter in Motoko, in one program as in a compute host, per second of CPU time of one core. Execution: message in, system calls, metered code, ' +
    'dirty chunks kept so that a trap can be undone, output. Slot: the same in frames of 200 requests, with their decoding, request ids, results and state root. ' +
    'Sleeping canisters: processes of one module, each spawned and initialised, on a node that keeps 256 MiB of guests and hibernates the rest; ' +
    'one message at a time from its signature to its result over HTTP, durable as always, checkpoint read from the node’s own disk (page cache) and evaluated; ' +
    'the same again while it is awake; once twenty were woken that are not counted. The figures of the IC are of 13 machines that agree.',
  async run(context) {
    for (const kind of ['wasm32', 'wasm64'] as const) {
      const quick = { kind, executions: 20_000, slots: 4_000 }
      const input = context.quick ? quick : { kind, executions: 200_000, slots: 40_000 }
      const figures = await askProgram(PROGRAM, input, Figures, context)
      const executions = 1e6 / figures.perExecutionUs
      progress(`${kind}: ${perSecond(executions)}`)
      context.add({
        what: `canister execution in the compute host, ${kind}`,
        measured: `${perSecond(executions, 'updates')} (${microseconds(figures.perExecutionUs)})`,
        goal: `≥ ${GOALS[kind].toLocaleString('en')}/s`,
        met: executions >= GOALS[kind],
      })
      context.add({
        what: `whole slots of requests, ${kind}`,
        measured: `${perSecond(1e6 / figures.perSlotUs, 'slots')} (${microseconds(figures.perSlotUs)})`,
      })
      await sleepingCanisters(context, kind, context.quick ? QUICK_COUNTS : COUNTS)
    }
  },
}
