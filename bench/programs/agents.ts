/** Evaluates a feed of 512-byte JSON messages to an agent in this program, as a compute host would; then boots and wakes many. */
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { FrameResults, HostedProcess, type Verdict } from '../../compute-unit/index.ts'
import { hostCrypto, hostProgram, nativeCrypto } from '../../node/index.ts'
import { agentRuntime } from '../../processes/index.ts'
import {
  asKeyId,
  asModuleId,
  decodeEnvelope,
  decodeResult,
  describeModule,
  describeProcess,
  ed25519PublicKey,
  encodeEnvelope,
  encodeFrame,
  GAS_PER_SLOT_MAX,
  installCrypto,
  keyId,
  parseDataItem,
} from '../../protocol/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { median } from '../peer-programs/median.ts'
import { runProgram } from '../peer-programs/program.ts'
import { messageTo, signedItem } from '../rows/items.ts'

const START_MS = 1_700_000_000_000
/** About what fits into a frame of 64 KiB. */
const FRAME = 64
const WARM_UP_FRAMES = 40
const MESSAGE_BYTES = 512
const ITEM: Verdict = { status: 'ok', sender: { owner: '', module: asModuleId('') } }

// What a host tells its engine of WebAssembly.
for (const flag of hostProgram().execArgv) if (flag.startsWith('--wasm-')) setFlagsFromString(flag)
installCrypto(nativeCrypto)
const unit = asKeyId(keyId(ed25519PublicKey(new Uint8Array(32).fill(9))))

async function load() {
  const { bytes } = await buildAgent(fileURLToPath(new URL('agents/echo.process.ts', import.meta.url)))
  const item = signedItem({ Type: 'Module', 'Module-Format': 'agent' }, undefined, bytes)
  const module = describeModule(parseDataItem(item))
  const factory = agentRuntime.load(agentRuntime.prepare(module), module)
  const { id, format, tags } = module
  const limits = { gasPerSlotMax: GAS_PER_SLOT_MAX }
  const loaded = {
    id,
    format,
    tags,
    stateForm: 'document' as const,
    refused: undefined,
    factory,
    limits,
  }
  return { id, loaded }
}

/** Only once times are taken: from then on the engine makes slower code, and keeps its young generation small. */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
}

type Loaded = Awaited<ReturnType<typeof load>>

/** A process and its slot 0. */
function spawnFrame(module: Loaded, number: number) {
  const item = signedItem({
    Type: 'Process',
    Module: module.id,
    Scheduler: unit,
    Number: `${number}`,
  })
  const envelopeBytes = encodeEnvelope({ kind: 'item', item })
  const frame = encodeFrame(0, [{ timestampMs: START_MS, envelopeBytes }])
  return { process: describeProcess(decodeEnvelope(envelopeBytes)), frame }
}

/** A note of so many bytes as JSON. */
function messageText(): string {
  const note = {
    id: 'n-2026-11-26-0001',
    author: 'somebody@example.org',
    title: 'A note of the usual length',
    text: '',
    labels: ['first', 'of', 'many'],
    likes: 1,
    draft: false,
  }
  const left = MESSAGE_BYTES - JSON.stringify(note).length
  return JSON.stringify({
    ...note,
    text: 'What is written here is read by somebody. '.repeat(20).slice(0, left),
  })
}

function frameOf(envelopeBytes: Uint8Array, firstSlot: number, count: number): Uint8Array {
  const assignments = Array.from({ length: count }, (_, i) => ({
    timestampMs: START_MS + firstSlot + i,
    envelopeBytes,
  }))
  return encodeFrame(firstSlot, assignments)
}

function measureMessages(module: Loaded, frames: number) {
  const { process: description, frame: first } = spawnFrame(module, 0)
  const hosted = HostedProcess.open(description, module.loaded)
  hosted.evaluate(first, [ITEM])
  const item = messageTo(description.id, { Action: 'keep', 'Content-Type': 'application/json' }, messageText())
  const envelope = encodeEnvelope({ kind: 'item', item })
  const verdicts = Array.from({ length: FRAME }, () => ITEM)
  const times: number[] = []
  for (let turn = 0; turn < frames + WARM_UP_FRAMES; turn++) {
    const frame = frameOf(envelope, hosted.slots, FRAME)
    const before = process.cpuUsage()
    const { firstSlot, resultsBytes } = hosted.evaluate(frame, verdicts)
    const { user, system } = process.cpuUsage(before)
    for (const bytes of new FrameResults(firstSlot, resultsBytes).results) {
      const { status, error } = decodeResult(bytes)
      if (status !== 'ok') throw new Error(`a slot ended in ${status}: ${error?.message}`)
    }
    if (turn >= WARM_UP_FRAMES) times.push((user + system) / FRAME)
  }
  hosted.close()
  return { cpuUsPerMessage: median(times), bestCpuUsPerMessage: Math.min(...times) }
}

/** Boot: the first slot of a new process. Wake: from the chunks of its checkpoint to the end of its next message. */
function measureMany(module: Loaded, count: number) {
  const boots: number[] = []
  const wakes: number[] = []
  let delta = 0
  let packed = 0
  const residents: HostedProcess[] = []
  collect()
  const before = process.memoryUsage()
  for (let number = 1; number <= count; number++) {
    const { process: description, frame } = spawnFrame(module, number)
    const start = performance.now()
    const hosted = HostedProcess.open(description, module.loaded)
    hosted.evaluate(frame, [ITEM])
    boots.push(performance.now() - start)
    const item = messageTo(description.id, { Action: 'keep', 'Content-Type': 'application/json' }, messageText())
    const envelope = encodeEnvelope({ kind: 'item', item })
    hosted.evaluate(
      frameOf(envelope, 1, 4),
      Array.from({ length: 4 }, () => ITEM),
    )
    const snapshot = hosted.takeDelta()
    const chunks = Buffer.concat([...snapshot.chunks.values()])
    delta += chunks.length
    packed += gzipSync(chunks, { level: 1 }).length
    const cells = snapshot.cells.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
    const wakeStart = performance.now()
    const woken = HostedProcess.open(description, module.loaded, { ...snapshot, cells })
    woken.evaluate(frameOf(envelope, 5, 1), [ITEM])
    wakes.push(performance.now() - wakeStart)
    hosted.close()
    residents.push(woken)
  }
  collect()
  const after = process.memoryUsage()
  const held = after.heapUsed + after.external - before.heapUsed - before.external
  return {
    bootMs: median(boots),
    wakeMs: median(wakes),
    residentBytes: held / residents.length,
    deltaBytes: delta / count,
    packedBytes: packed / count,
  }
}

await runProgram<{ readonly frames: number; readonly processes: number }>(async ({ frames, processes }) => {
  const module = await load()
  // From here on hashes are a host's own.
  installCrypto(hostCrypto)
  return { ...measureMessages(module, frames), ...measureMany(module, processes) }
})
