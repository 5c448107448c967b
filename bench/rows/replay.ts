/** A compute unit that knows nothing evaluates a process from its feed on disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { askProgram, progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import type { Row } from './row.ts'
import { microseconds, perSecond } from './show.ts'

const ReplayFigures = z.object({
  slots: z.number(),
  elapsedMs: z.number(),
  cpuUsPerSlot: z.number(),
})
const VerifyFigures = z.object({ slots: z.number(), elapsedMs: z.number(), certified: z.number() })

const PROGRAM = new URL('../programs/replay.ts', import.meta.url)
const GOAL_PER_SECOND = 50_000
const REPETITIONS = 3
const SLOTS = 60_000
const QUICK_SLOTS = 6_000

export const replayRow: Row = {
  number: 6,
  title: 'Replay of a process from its feed',
  covers:
    'A fresh compute unit in a fresh program, over a HypercoreLog on disk that holds the feed of one ' +
    'standard counter, its frames cut by the scheduler as under load; no checkpoint, no result, no ' +
    'certificate is there. Frames are read, evaluated in a host, results and certificates written, ' +
    'checkpoints too. Signatures are not verified again in this figure: the feed is the node’s own. ' +
    'The second figure is verifyProcess, which believes nobody: every signature, certificate and ' +
    'state again. The start of the host is in both; files are in the page cache.',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-replay-'))
    try {
      const repetitions = context.quick ? 1 : REPETITIONS
      const slots = context.quick ? QUICK_SLOTS : SLOTS
      const replays: z.infer<typeof ReplayFigures>[] = []
      const verifications: z.infer<typeof VerifyFigures>[] = []
      for (let turn = 0; turn < repetitions; turn++) {
        // A folder for each: at its start a log goes through the index of all that it holds.
        const own = join(folder, String(turn))
        const process = await askProgram(PROGRAM, { folder: own, make: { slots } }, z.string(), context)
        const replay = await askProgram(PROGRAM, { folder: own, replay: process }, ReplayFigures, context)
        progress(`replay: ${perSecond((replay.slots / replay.elapsedMs) * 1_000, 'slots')}`)
        replays.push(replay)
        verifications.push(await askProgram(PROGRAM, { folder: own, verify: process }, VerifyFigures, context))
      }
      const rateOf = (all: readonly { slots: number; elapsedMs: number }[]): number =>
        median(all.map(one => (one.slots / one.elapsedMs) * 1_000))
      const rate = rateOf(replays)
      const cpuUs = median(replays.map(one => one.cpuUsPerSlot))
      context.add({
        what: 'Replay of a counter from its feed, signatures not verified again',
        measured: `${perSecond(rate, 'slots')} (CPU ${microseconds(cpuUs)} a slot, unit and host)`,
        goal: `≥ ${GOAL_PER_SECOND.toLocaleString('en')}/s`,
        met: rate >= GOAL_PER_SECOND,
      })
      context.add({
        what: 'The same with every signature and certificate verified (verifyProcess)',
        measured: perSecond(rateOf(verifications), 'slots'),
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
