/** Agents as a compute host runs them: a message, boot and wake, what an idle one takes. */
import { z } from 'zod'
import { askProgram, progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import type { Row } from './row.ts'
import { microseconds, milliseconds, times } from './show.ts'
import { waoOnce } from './wao-figures.ts'

const AgentFigures = z.object({
  cpuUsPerMessage: z.number(),
  bestCpuUsPerMessage: z.number(),
  bootMs: z.number(),
  wakeMs: z.number(),
  residentBytes: z.number(),
  packedBytes: z.number(),
  deltaBytes: z.number(),
})
type AgentFigures = z.infer<typeof AgentFigures>

const PROGRAM = new URL('../programs/agents.ts', import.meta.url)
const REPETITIONS = 3
const INPUT = { frames: 200, processes: 400 }
const QUICK_INPUT = { frames: 40, processes: 60 }
const MESSAGE_GOAL_US = 25
const WAO_GOAL = 10
const BOOT_GOAL_MS = 2
const WAKE_GOAL_MS = 5
const RESIDENT_GOAL_BYTES = 500_000
const DELTA_GOAL_BYTES = 40_000

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} KB`

export const agentsRow: Row = {
  number: 9,
  title: 'Agents in TypeScript',
  covers:
    'A process with a zod contract whose messages take and give 512 bytes of JSON in seven fields, both checked; ' +
    'HostedProcess.evaluate on frames of 64, metered, every slot undoable, state roots included. CPU time of one core: ' +
    'the median of frames, and the best of them, which shows what a quiet machine does. Boot: a new process up to the end of its ' +
    'slot 0. Wake: from its checkpoint to the end of its next message. Memory: a process that was booted, checkpointed and woken. ' +
    'Delta: what its checkpoint stores, gzip. Not in it: pipe, signatures, disk; in wao’s hop, the work of its scheduler and messenger is.',
  async run(context) {
    const all: AgentFigures[] = []
    for (let turn = 0; turn < (context.quick ? 1 : REPETITIONS); turn++) {
      const input = context.quick ? QUICK_INPUT : INPUT
      all.push(await askProgram(PROGRAM, input, AgentFigures, context))
      progress(`agents: ${microseconds(all.at(-1)?.cpuUsPerMessage ?? 0)} a message`)
    }
    const of = (name: keyof AgentFigures): number => median(all.map(one => one[name]))
    const us = of('cpuUsPerMessage')
    const measured = `${microseconds(us)} (best frame ${microseconds(of('bestCpuUsPerMessage'))})`
    const what = 'agent message, 512 B of JSON in and out, checked'
    context.add({ what, measured, goal: `≤ ${MESSAGE_GOAL_US} µs`, met: us <= MESSAGE_GOAL_US })
    if (context.peers) {
      const wao = await waoOnce(context)
      const hops = Math.max(wao.wasm32.hopsPerSecond, wao.wasm64.hopsPerSecond)
      const ratio = 1e6 / hops / us
      context.add({
        what: 'the same against an aos message of wao (its faster module, a hop of a chain, memory only)',
        measured: microseconds(us),
        peer: milliseconds(1000 / hops),
        ratio: times(ratio),
        goal: `≥ ${WAO_GOAL}×`,
        met: ratio >= WAO_GOAL,
      })
    }
    const starts = [
      { what: 'boot of an agent', ms: of('bootMs'), goal: BOOT_GOAL_MS },
      {
        what: 'wake of an agent from its checkpoint, with a message',
        ms: of('wakeMs'),
        goal: WAKE_GOAL_MS,
      },
    ]
    for (const { what, ms, goal } of starts) {
      context.add({ what, measured: milliseconds(ms), goal: `≤ ${goal} ms`, met: ms <= goal })
    }
    const resident = of('residentBytes')
    context.add({
      what: 'memory of a resident idle agent',
      measured: kilobytes(resident),
      goal: `≤ ${kilobytes(RESIDENT_GOAL_BYTES)}`,
      met: resident <= RESIDENT_GOAL_BYTES,
    })
    const packed = of('packedBytes')
    context.add({
      what: 'stored difference of an agent, compressed',
      measured: `${kilobytes(packed)} (${kilobytes(of('deltaBytes'))} plain)`,
      goal: `≤ ${kilobytes(DELTA_GOAL_BYTES)}`,
      met: packed <= DELTA_GOAL_BYTES,
    })
  },
}
