/**
 * What one message costs an aos process whose every run can be undone exactly: run and keep, run
 * and discard. `node bench/ao-runtime.ts [messages]`. The loader of AO copies all memory in and out
 * for the same promise and takes 80-88 ms.
 */
import {
  actionOf,
  evalOf,
  GAS,
  loadModule,
  messageOf,
  processOf,
  readModule,
  recorder,
  WASM32,
  WASM64,
} from '../test/processes/ao/fixtures.ts'
import { median, quantile } from './peer-programs/median.ts'

const MODULES = {
  wasm32: { file: 'aos2_0_4_32', format: WASM32 },
  wasm64: { file: 'aos2_0_6', format: WASM64 },
} as const

/** Every tenth message is run as a query too. */
const DRY_RUN_EVERY = 10
const WARM_UP = 3

const HANDLER = `
Counter = 0
Handlers.add('Inc', Handlers.utils.hasMatchingTag('Action', 'Inc'), function (message)
  Counter = Counter + 1
  ao.send({ Target = message.From, Data = tostring(Counter) })
end)`

/** Wall times in milliseconds. */
interface Times {
  readonly median: number
  readonly p95: number
}

interface AosFigures {
  readonly run: Times
  readonly keep: Times
  readonly both: Times
  /** Run and discard; undefined without dry-runs. */
  readonly dry: Times | undefined
  /** Of all messages together. */
  readonly cpuUs: number
  readonly chunks: number
  readonly gas: bigint
  readonly residentBytes: number
}

const timesOf = (values: readonly number[]): Times => ({
  median: median(values),
  p95: quantile(values, 0.95),
})

/** Sends `messages` times `Inc` to an aos process with the handlers of `lua`; each must reply. */
export function measureAos(options: {
  readonly bits: keyof typeof MODULES
  readonly messages: number
  readonly lua: string
  readonly dryRuns: boolean
}): AosFigures {
  const { file, format } = MODULES[options.bits]
  const guest = loadModule(readModule(file), format).open(processOf())
  const setUp = [messageOf(0, ''), evalOf(1, options.lua)]
  for (let slot = 2; slot < 2 + WARM_UP; slot++) setUp.push(actionOf(slot, 'Inc', 'x'))
  for (const message of setUp) {
    const ending = guest.run(message, recorder(), GAS)
    if (ending.status !== 'ok') throw new Error(ending.error.message)
    guest.keep()
  }
  guest.takeChanged()
  const run: number[] = []
  const keep: number[] = []
  const both: number[] = []
  const dry: number[] = []
  let [chunks, gas, dryCpuUs] = [0, 0n, 0]
  const before = process.cpuUsage()
  for (let at = 0; at < options.messages; at++) {
    const message = actionOf(setUp.length + at, 'Inc', 'x')
    const context = recorder()
    const start = performance.now()
    const ending = guest.run(message, context, GAS)
    const ran = performance.now()
    guest.keep()
    const kept = performance.now()
    if (ending.status !== 'ok') throw new Error(ending.error.message)
    if (context.sent.length !== 1) throw new Error(`${context.sent.length} replies`)
    run.push(ran - start)
    keep.push(kept - ran)
    both.push(kept - start)
    chunks += guest.takeChanged().length
    gas += ending.gas
    if (!options.dryRuns || at % DRY_RUN_EVERY !== 0) continue
    const [dryStart, dryBefore] = [performance.now(), process.cpuUsage()]
    guest.run({ ...message, kind: 'query' }, recorder(), GAS)
    guest.discard()
    dry.push(performance.now() - dryStart)
    const spent = process.cpuUsage(dryBefore)
    dryCpuUs += spent.user + spent.system
  }
  const { user, system } = process.cpuUsage(before)
  return {
    run: timesOf(run),
    keep: timesOf(keep),
    both: timesOf(both),
    dry: dry.length === 0 ? undefined : timesOf(dry),
    cpuUs: user + system - dryCpuUs,
    chunks,
    gas,
    residentBytes: guest.sizeBytes,
  }
}

function print(messages: number): void {
  const show = (times: Times): string => `${times.median.toFixed(3)} ms (p95 ${times.p95.toFixed(3)})`
  for (const bits of ['wasm32', 'wasm64'] as const) {
    const figures = measureAos({ bits, messages, lua: HANDLER, dryRuns: true })
    const { run, keep, both, dry, chunks, gas, residentBytes } = figures
    const dryText = dry === undefined ? '' : `; run+discard ${show(dry)}`
    console.log(`${MODULES[bits].file}: run+keep ${show(both)}${dryText}`)
    console.log(`  run ${show(run)}; keep ${show(keep)}; ${(residentBytes / 1024).toFixed(0)} KiB resident`)
    console.log(`  a message: ${(chunks / messages).toFixed(0)} chunks, ${gas / BigInt(messages)} gas`)
  }
}

if (import.meta.main) print(Number(process.argv[2] ?? 1000))
