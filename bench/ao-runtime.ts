/**
 * What one message costs an aos process whose every run can be undone exactly: run and keep, run
 * and discard. `node bench/ao-runtime.ts [messages]`. The loader of AO copies all memory in and out
 * for the same promise and takes 80-88 ms.
 */
import {
  GAS,
  evalOf,
  actionOf,
  loadModule,
  messageOf,
  processOf,
  readModule,
  recorder,
  WASM32,
  WASM64,
} from '../test/processes/ao/fixtures.ts'

const HANDLER = `
Counter = 0
Handlers.add('inc', Handlers.utils.hasMatchingTag('Action', 'Inc'), function (message)
  Counter = Counter + 1
  ao.send({ Target = message.From, Data = tostring(Counter) })
end)`

const count = Number(process.argv[2] ?? 1000)

function median(times: number[]): string {
  times.sort((a, b) => a - b)
  const at = (part: number) => (times[Math.floor(times.length * part)] ?? 0).toFixed(3)
  return `${at(0.5)} ms (p95 ${at(0.95)})`
}

for (const [name, format] of [
  ['aos2_0_4_32', WASM32],
  ['aos2_0_6', WASM64],
] as const) {
  const factory = loadModule(readModule(name), format)
  const guest = factory.open(processOf())
  const context = recorder()
  guest.run(messageOf(0, ''), context, GAS)
  guest.keep()
  guest.run(evalOf(1, HANDLER), context, GAS)
  guest.keep()
  const run: number[] = []
  const keep: number[] = []
  const both: number[] = []
  const dry: number[] = []
  let changed = 0
  let gas = 0n
  for (let slot = 2; slot < count + 2; slot++) {
    const message = actionOf(slot, 'Inc', 'x')
    const start = performance.now()
    const ending = guest.run(message, recorder(), GAS)
    const ran = performance.now()
    guest.keep()
    const kept = performance.now()
    if (ending.status !== 'ok') throw new Error(ending.error.message)
    run.push(ran - start)
    keep.push(kept - ran)
    both.push(kept - start)
    changed += guest.takeChanged().length
    gas += ending.gas
    if (slot % 10 !== 0) continue
    const before = performance.now()
    guest.run({ ...message, kind: 'query' }, recorder(), GAS)
    guest.discard()
    dry.push(performance.now() - before)
  }
  const resident = (guest.sizeBytes / 1024).toFixed(0)
  console.log(`${name}: run+keep ${median(both)}; run+discard ${median(dry)}`)
  console.log(`  run ${median(run)}; keep ${median(keep)}; ${resident} KiB resident`)
  console.log(`  a message: ${(changed / count).toFixed(0)} chunks, ${gas / BigInt(count)} gas`)
}
