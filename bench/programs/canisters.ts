/** A Motoko counter in this program, as in a compute host: executions, and whole slots. */
import { HostedProcess, type Verdict } from '../../compute-unit/index.ts'
import { hostCrypto, nativeCrypto } from '../../node/index.ts'
import { canisterRuntime } from '../../processes/index.ts'
import {
  asModuleId,
  decodeEnvelope,
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
import { COUNTER, compiledMotoko } from '../ic/compiled-motoko.ts'
import { runProgram } from '../peer-programs/program.ts'
import { signedItem } from '../rows/items.ts'

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
}

await runProgram(async ({ kind, executions, slots }: Input) => {
  installCrypto(nativeCrypto)
  const wasm = await compiledMotoko(COUNTER, kind)
  const { loaded, description, spawn } = processOf(wasm)
  installCrypto(hostCrypto)
  const perExecution = execution(loaded.factory.open(description), description, executions)
  const hosted = HostedProcess.open(description, loaded)
  hosted.evaluate(spawn, [VERDICT])
  const perSlot = wholeSlots(hosted, description, slots)
  return { perExecutionUs: perExecution, perSlotUs: perSlot }
})

/** A process whose module is the counter itself. */
function processOf(wasm: Uint8Array) {
  const id = asModuleId(emptyCanisterModule().id)
  const module = { id, owner: '', format: 'canister', tags: [], wasm }
  const factory = canisterRuntime.load(canisterRuntime.prepare(module), module)
  const unit = keyId(ed25519PublicKey(new Uint8Array(32).fill(9)))
  const envelopeBytes = encodeEnvelope({
    kind: 'item',
    item: signedItem({ Type: 'Process', Module: id, Scheduler: unit }),
  })
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
    timerDueMs: () => undefined,
    log: () => undefined,
    random: length => new Uint8Array(length),
  }
  const message: GuestMessage = {
    kind: 'spawn',
    id,
    slot: 0,
    timestampMs: START_MS,
    target: id,
    from: id,
    owner: id,
    fromProcess: undefined,
    fromModule: undefined,
    tags: [],
    data: NOTHING,
    anchor: undefined,
    signature: undefined,
    origin: asMessageId(id),
    depth: 0,
    timer: undefined,
  }
  guest.run(message, context, GAS_PER_SLOT_MAX)
  guest.keep()
  const ingress = {
    requestId: new Uint8Array(32),
    sender: SENDER,
    canister: principalOf(id),
    method: 'inc',
    arg: NOTHING,
    expiryNs: 0n,
    senderInfo: undefined,
  }
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
      request_type: 'call',
      canister_id: principalOf(id),
      method_name: 'inc',
      arg: NOTHING,
      sender: SENDER,
      ingress_expiry: BigInt(START_MS + 200_000) * 1_000_000n,
      nonce: new Uint8Array(new Uint32Array([nonce]).buffer),
    })
    return {
      timestampMs: START_MS,
      envelopeBytes: encodeEnvelope({ kind: 'ingress', bytes: encodeIc(icMap({ content })) }),
    }
  })
  return encodeFrame(first, assignments)
}

/** Slots of frames: requests decoded, their ids hashed, executions, results and roots. */
function wholeSlots(hosted: HostedProcess, { id }: ProcessDescription, count: number): number {
  const frames = Array.from({ length: Math.ceil(count / SLOTS_OF_FRAME) }, (_, at) =>
    frameOf(1 + at * SLOTS_OF_FRAME, id, SLOTS_OF_FRAME),
  )
  const verdicts = new Array<Verdict>(SLOTS_OF_FRAME).fill(VERDICT)
  const warm = Math.ceil(frames.length / 4)
  for (const frame of frames.slice(0, warm)) hosted.evaluate(frame, verdicts)
  const timed = frames.slice(warm)
  const used = cpuUs(() => {
    for (const frame of timed) hosted.evaluate(frame, verdicts)
  })
  return used / (timed.length * SLOTS_OF_FRAME)
}

function cpuUs(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
