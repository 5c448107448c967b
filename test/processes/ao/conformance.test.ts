import { aoRuntime } from '../../../processes/ao/index.ts'
import { runtimeConformance } from '../../conformance/runtime.ts'
import { describe as describeModule, evalOf, messageOf, processOf, readModule, WASM32, WASM64 } from './fixtures.ts'

/** Changes memory in several ways, and answers what depends on it. */
const COUNT = 'N = (N or 0) + 1; T = T or {}; T[#T + 1] = ("entry "):rep(N); return N .. " " .. #T[#T]'

// The sqlite build is the smallest in memory and has addresses of 64 bits.
for (const [name, format] of [
  ['aos2_0_4_32', WASM32],
  ['sqlite', WASM64],
] as const) {
  runtimeConformance({
    name: `ao (${name})`,
    runtime: aoRuntime,
    module: () => describeModule(readModule(name), format),
    process: () => processOf(),
    spawn: messageOf(0, ''),
    message: n => evalOf(n + 1, COUNT),
    failing: evalOf(50, `${COUNT.replace('return', 'local _ =')}; error('after a change')`),
    endless: { message: evalOf(51, 'while true do N = (N or 0) + 1 end'), gasLimit: 50_000_000n },
    timeoutMs: 120_000,
  })
}
