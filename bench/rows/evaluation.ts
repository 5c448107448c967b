/** Evaluation of actors as a compute host does it, frame after frame, on one core. */
import { z } from 'zod'
import { askProgram, progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import type { Row } from './row.ts'
import { microseconds, perSecond } from './show.ts'

const EvaluationFigures = z.array(z.object({ name: z.string(), slotsPerSecond: z.number(), cpuUsPerSlot: z.number() }))
type EvaluationFigures = z.infer<typeof EvaluationFigures>

const PROGRAM = new URL('../programs/evaluation.ts', import.meta.url)
const GOAL_PER_SECOND = 300_000
const REPETITIONS = 3
const FRAMES = 100
const QUICK_FRAMES = 10

export const evaluationRow: Row = {
  number: 5,
  title: 'Evaluation of actors in batches',
  covers:
    'HostedProcess.evaluate on frames of 1,024 assignments: decoding, the run in the rewritten and ' +
    'metered module, cells, mailbox, encoding of results, Merkle roots of results and state. Per ' +
    'second of CPU time of one core, collection of garbage included. Not in it: the pipe to the ' +
    'host, signatures (checked before), disk. The scheduler itself cuts frames at 64 KiB, about 200 small items.',
  async run(context) {
    const all: EvaluationFigures[] = []
    for (let turn = 0; turn < (context.quick ? 1 : REPETITIONS); turn++) {
      const input = { frames: context.quick ? QUICK_FRAMES : FRAMES }
      all.push(await askProgram(PROGRAM, input, EvaluationFigures, context))
    }
    for (const { name } of all[0] ?? []) {
      const same = all.flatMap(figures => figures.filter(one => one.name === name))
      const cpuUs = median(same.map(one => one.cpuUsPerSlot))
      const rate = 1e6 / cpuUs
      const wall = median(same.map(one => one.slotsPerSecond))
      progress(`${name}: ${perSecond(rate)}`)
      const hasGoal = !name.includes('answer')
      context.add({
        what: `actor evaluation per core, ${name}`,
        measured: `${perSecond(rate, 'slots')} (${microseconds(cpuUs)}; by the clock ${perSecond(wall)})`,
        ...(hasGoal ? { goal: `≥ ${GOAL_PER_SECOND.toLocaleString('en')}/s` } : {}),
        met: hasGoal ? rate >= GOAL_PER_SECOND : undefined,
      })
    }
  },
}
