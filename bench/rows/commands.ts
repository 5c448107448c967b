/** Programs of WASI as processes: what one message costs its host. */
import { z } from 'zod'
import { askProgram } from '../peer-child.ts'
import type { Row } from './row.ts'
import { microseconds, milliseconds } from './show.ts'

const CommandFigures = z.object({
  smallUs: z.number(),
  pythonMs: z.number(),
  pythonReadyMs: z.number(),
})

const PROGRAM = new URL('../programs/commands.ts', import.meta.url)

export const commandsRow: Row = {
  number: 12,
  title: 'Programs of WASI as processes',
  covers:
    'A process of format command runs its program anew for each message, in an instance of its own, metered, its files undoable; ' +
    'HostedProcess.evaluate, state roots included, CPU time of one core, median of frames. The small program counts in a ' +
    'file, 32 messages to a frame; CPython starts, reads its script, takes JSON and writes a file, one message to a frame. Ready: what comes before the first message of a node, once. ' +
    'Not in it: pipe, signatures, disk.',
  async run(context) {
    const input = { frames: context.quick ? 5 : 40, pythonMessages: context.quick ? 3 : 12 }
    const { smallUs, pythonMs, pythonReadyMs } = await askProgram(PROGRAM, input, CommandFigures, context)
    context.add({ what: 'message to a small program of WASI', measured: microseconds(smallUs) })
    context.add({ what: 'message to a program in CPython', measured: milliseconds(pythonMs) })
    context.add({ what: 'CPython rewritten and compiled', measured: milliseconds(pythonReadyMs) })
  },
}
