/** A Motoko counter in this program, as in a compute host: executions, whole slots, and canisters that wake. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FrameResults, HostedProcess, type ProcessSnapshot, type Verdict } from '../../compute-unit/index.ts'
import { hostCrypto, nativeCrypto } from '../../node/index.ts'
import { canisterRuntime } from '../../processes/index.ts'
import {
  asModuleId,
  decodeEnvelope,
  decodeResult,
  describeProcess,
  emptyCanisterModule,
  encodeCandid,
  encodeEnvelope,
  encodeFrame,
  encodeIc,
  GAS_PER_SLOT_MAX,
  type Guest,
  type GuestContext,
  type GuestMessage,
  icMap,
  installCrypto,
  keyId,
  ed25519PublicKey,
  principalOf,
  type ProcessDescription,
  asMessageId,
} from '../../protocol/index.ts'
import { median, quantile } from '../peer-programs/median.ts'
import { runProgram } from '../peer-programs/program.ts'
import { signedItem } from '../rows/items.ts'

const COUNTER = `persistent actor { var n : Nat = 0; public func inc() : async Nat { n += 1; n }; public query func get() : async Nat { n } }`
const COMPILE = fileURLToPath(new URL('../../test/processes/canister/compile-motoko.mjs', import.meta.url))
const START_MS = 1_700_000_000_000
const NOTHING = encodeCandid([])
const SENDER = new Uint8Array(29).fill(2)
const SLOTS_OF_FRAME = 200
const VERDICT: Verdict = { status: 'ok', sender: { owner: '', module: asModuleId('') } }

let nonce = 0

interface Input {
  readonly kind: 'wasm32' | 'wasm64'
  readonly executions: number
  readonly slots: number
  readonly canisters: number
}

await runProgram(async ({ kind, executions, slots, canisters }: Input) => {
  installCrypto(nativeCrypto)
  const wasm = await compiled(kind)
  const { loaded, description, spawn } = processOf(wasm)
  installCrypto(hostCrypto)
  const perExecution = execution(loaded.factory.open(description), description, executions)
  const hosted = HostedProcess.open(description, loaded)
  hosted.evaluate(spawn, [VERDICT])
  const perSlot = wholeSlots(hosted, description, slots)
  const wakes = wake(hosted, description, loaded, canisters)
  return { perExecutionUs: perExecution, perSlotUs: perSlot, ...wakes }
})

/** By the program that the tests compile with: it has both kinds of heap. */
async function compiled(kind: Input['kind']): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-motoko-'))
  try {
    const path = join(folder, 'counter.wasm')
    execFileSync(process.execPath, [COMPILE, kind, path], { input: COUNTER })
    return new Uint8Array(await readFile(path))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A process whose module is the counter itself. */
function processOf(wasm: Uint8Array) {
  const id = asModuleId(emptyCanisterModule().id)
  const module = { id, owner: '', format: 'canister', tags: [], wasm }
  const factory = canisterRuntime.load(canisterRuntime.prepare(module), module)
  const unit = keyId(ed25519PublicKey(new Uint8Array(32).fill(9)))
  const envelopeBytes = encodeEnvelope({ kind: 'item', item: signedItem({ Type: 'Process', Module: id, Scheduler: unit }) })
  const description = describeProcess(decodeEnvelope(envelopeBytes))
  const facts = { id, format: 'canister', tags: [], stateForm: 'memory', refused: undefined } as const
  const loaded = { ...facts, factory, limits: { gasPerSlotMax: GAS_PER_SLOT_MAX } }
  return { loaded, description, spawn: encodeFrame(0, [{ timestampMs: START_MS, envelopeBytes }]) }
}

/** Executions alone: run and keep, without a feed around them. */
function execution(guest: Guest, { id }: ProcessDescription, count: number): number {
  const cells = new Map<string, Uint8Array>()
  const context: GuestContext = {
    cells: {
      get: key => cells.get(key),
      set: (key, value) => void cells.set(key, value),
      delete: key => void cells.delete(key),
      add: () => undefined,
      scan: () => [],
    },
    send: () => undefined,
    spawn: () => id,
    assign: () => undefined,
    setTimer: () => undefined,
    clearTimer: () => undefined,
    log: () => undefined,
    random: length => new Uint8Array(length),
  }
  const message: GuestMessage = {
    kind: 'spawn', id, slot: 0, timestampMs: START_MS, target: id, from: id, owner: id, fromProcess: undefined, fromModule: undefined,
    tags: [], data: NOTHING, anchor: undefined, signature: undefined, origin: asMessageId(id), depth: 0, timer: undefined,
  }
  guest.run(message, context, GAS_PER_SLOT_MAX)
  guest.keep()
  const ingress = { requestId: new Uint8Array(32), sender: SENDER, canister: principalOf(id), method: 'inc', arg: NOTHING, expiryNs: 0n, senderInfo: undefined }
  const call: GuestMessage = { ...message, kind: 'ingress', ingress }
  const run = (times: number): void => {
    for (let at = 0; at < times; at++) {
      const { status } = guest.run(call, context, GAS_PER_SLOT_MAX)
      if (status !== 'ok') throw new Error('expected a reply')
      guest.keep()
      if (at % SLOTS_OF_FRAME === 0) guest.takeChanged()
    }
  }
  run(Math.ceil(count / 4))
  return cpuUs(() => run(count)) / count
}

function frameOf(first: number, id: ProcessDescription['id'], count: number): Uint8Array {
  const assignments = Array.from({ length: count }, () => {
    nonce += 1
    const content = icMap({
      request_type: 'call', canister_id: principalOf(id), method_name: 'inc', arg: NOTHING, sender: SENDER,
      ingress_expiry: BigInt(START_MS + 200_000) * 1_000_000n, nonce: new Uint8Array(new Uint32Array([nonce]).buffer),
    })
    return { timestampMs: START_MS, envelopeBytes: encodeEnvelope({ kind: 'ingress', bytes: encodeIc(icMap({ content })) }) }
  })
  return encodeFrame(first, assignments)
}

/** Slots of frames: requests decoded, their ids hashed, executions, results and roots. */
function wholeSlots(hosted: HostedProcess, { id }: ProcessDescription, count: number): number {
  const frames = Array.from({ length: Math.ceil(count / SLOTS_OF_FRAME) }, (_, at) => frameOf(1 + at * SLOTS_OF_FRAME, id, SLOTS_OF_FRAME))
  const verdicts = new Array<Verdict>(SLOTS_OF_FRAME).fill(VERDICT)
  const warm = Math.ceil(frames.length / 4)
  for (const frame of frames.slice(0, warm)) hosted.evaluate(frame, verdicts)
  const timed = frames.slice(warm)
  const used = cpuUs(() => {
    for (const frame of timed) hosted.evaluate(frame, verdicts)
  })
  return used / (timed.length * SLOTS_OF_FRAME)
}

/** Many canisters that sleep as checkpoints: how long one takes from there to its first reply, and how long a sleeping one that is held. */
function wake(hosted: HostedProcess, description: ProcessDescription, loaded: Parameters<typeof HostedProcess.open>[1], count: number) {
  const { cells, ...rest } = hosted.takeDelta()
  const chunks = new Map([...rest.chunks].map(([index, bytes]) => [index, bytes.slice()]))
  const held = cells.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  const snapshot: ProcessSnapshot = { ...rest, chunks, cells: held }
  const frame = frameOf(snapshot.slots, description.id, 1)
  const verdicts = [VERDICT]
  const asleep = Array.from({ length: count }, () => HostedProcess.open(description, loaded, snapshot))
  const fromCheckpoint: number[] = []
  const fromMemory: number[] = []
  for (let at = 0; at < Math.min(count, 1000); at++) {
    const place = (at * 7919) % count
    const one = asleep[place]
    if (one === undefined) continue
    const start = performance.now()
    replied(one.evaluate(frame, verdicts))
    fromMemory.push(performance.now() - start)
    const again = performance.now()
    const opened = HostedProcess.open(description, loaded, snapshot)
    replied(opened.evaluate(frame, verdicts))
    fromCheckpoint.push(performance.now() - again)
    opened.close()
  }
  const bytes = asleep[0]?.sizeBytes ?? 0
  const wakes = { fromCheckpointMs: median(fromCheckpoint), fromCheckpointP99Ms: quantile(fromCheckpoint, 0.99), fromMemoryMs: median(fromMemory), fromMemoryP99Ms: quantile(fromMemory, 0.99) }
  return { ...wakes, bytes, rss: process.memoryUsage.rss() }
}

function replied({ resultsBytes }: { readonly resultsBytes: Uint8Array }): void {
  const [bytes] = new FrameResults(0, resultsBytes).results
  if (bytes === undefined || decodeResult(bytes).status !== 'ok') throw new Error('a canister did not wake')
}

function cpuUs(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
