import { CborReader, CborWriter, MalformedBytes } from '../../protocol/index.ts'
import { CYCLES_AT_FIRST } from './bounds.ts'
import {
  readPrincipals,
  readSettings,
  type Settings,
  SETTINGS_AT_FIRST,
  writePrincipals,
  writeSettings,
} from './canister-settings.ts'
import { NO_CODE } from './no-code.ts'

export const STATUSES = ['running', 'stopping', 'stopped'] as const
export type CanisterStatus = (typeof STATUSES)[number]

/** How the code came to be what it is: what `canister_info` tells. */
export interface Change {
  readonly timeNs: bigint
  readonly version: bigint
  readonly caller: Uint8Array
  /** Version of the canister that asked for it, as it said. */
  readonly callerVersion?: bigint | undefined
  readonly what: 'creation' | 'uninstall' | 'install' | 'reinstall' | 'upgrade' | 'controllers' | 'load'
  /** Hash of the code, of a change of code; id of the snapshot, of one that was loaded; of a creation hash of the environment, if it named one. */
  readonly hash: Uint8Array
  readonly controllers: readonly Uint8Array[]
  /** Of a snapshot that was loaded. */
  readonly loaded?: { readonly takenNs: bigint; readonly version: bigint; readonly isUploaded: boolean } | undefined
}

/** All of a canister that is neither memory nor cells. Values are replaced, never changed in place. */
export interface CanisterState {
  status: CanisterStatus
  settings: Settings
  cycles: bigint
  version: bigint
  /** The last time the canister was told, so that time only goes forward. */
  timeNs: bigint
  createdNs: bigint
  installedNs: bigint
  certified: Uint8Array
  timerNs: bigint
  codeHash: Uint8Array | undefined
  /** Whether the code is the process's own module, not in cells. */
  ownCode: boolean
  codeBytes: number
  heapPages: number
  stablePages: number
  /** Mutable globals; as bytes until the code is loaded that knows their types. */
  globals: readonly (number | bigint)[] | Uint8Array
  /** Names of the next call context, callback, snapshot; numbers are never used again. */
  nextContext: number
  nextCallback: number
  nextSnapshot: number
  openContexts: number
  openCallbacks: number
  /** Best-effort calls may end by themselves: when the next does. */
  nextDeadlineNs: bigint
  /** Lines of the log that are gone and those that are kept. */
  nextLogLine: number
  changes: readonly Change[]
  totalChanges: number
  /** Whether the heartbeat has its timer. */
  beats: boolean
  /** Whether the canister was told that little of its memory is left; once it is not so any more, it will be told again. */
  toldLowMemory: boolean
  deleted: boolean
}

export function stateAtFirst(): CanisterState {
  return {
    status: 'running',
    settings: SETTINGS_AT_FIRST,
    cycles: CYCLES_AT_FIRST,
    version: 0n,
    timeNs: 0n,
    createdNs: 0n,
    installedNs: 0n,
    certified: new Uint8Array(0),
    timerNs: 0n,
    ...NO_CODE,
    nextContext: 0,
    nextCallback: 0,
    nextSnapshot: 0,
    openContexts: 0,
    openCallbacks: 0,
    nextDeadlineNs: 0n,
    nextLogLine: 0,
    changes: [],
    totalChanges: 0,
    beats: false,
    toldLowMemory: false,
    deleted: false,
  }
}

const CYCLES_MAX = (1n << 128n) - 1n

/** Cycles are counted in 128 bits: what is above is lost. */
export function saturate(state: CanisterState): void {
  if (state.cycles > CYCLES_MAX) state.cycles = CYCLES_MAX
}

/** 128 bits as two integers. */
const LOW = (1n << 64n) - 1n

/** Canonical bytes: part of the state root. `globals` are encoded by whoever knows their types. */
export function encodeState(state: CanisterState, globals: Uint8Array): Uint8Array {
  const writer = new CborWriter()
  writer.array(27)
  writer.uint(1)
  writer.uint(STATUSES.indexOf(state.status))
  writeSettings(writer, state.settings)
  writer.uint(state.cycles >> 64n)
  writer.uint(state.cycles & LOW)
  writer.uint(state.version)
  writer.uint(state.timeNs)
  writer.uint(state.createdNs)
  writer.uint(state.installedNs)
  writer.bytes(state.certified)
  writer.uint(state.timerNs)
  writer.bytes(state.codeHash ?? new Uint8Array(0))
  writer.uint(state.ownCode ? 1 : 0)
  writer.uint(state.codeBytes)
  writer.uint(state.heapPages)
  writer.uint(state.stablePages)
  writer.bytes(globals)
  writer.uint(state.nextContext)
  writer.uint(state.nextCallback)
  writer.uint(state.nextSnapshot)
  writer.uint(state.openContexts)
  writer.uint(state.openCallbacks)
  writer.uint(state.nextDeadlineNs)
  writer.uint(state.nextLogLine)
  writer.array(state.changes.length)
  for (const change of state.changes) writeChange(writer, change)
  writer.uint(state.totalChanges)
  writer.uint((state.beats ? 1 : 0) | (state.deleted ? 2 : 0) | (state.toldLowMemory ? 4 : 0))
  return writer.finish()
}

/** Views of `bytes`, which nobody changes from then on. The globals are still bytes: their types stand in the code. @throws {MalformedBytes} */
export function decodeState(bytes: Uint8Array): CanisterState {
  const reader = new CborReader(bytes)
  if (reader.array() !== 27 || reader.uint() !== 1) throw new MalformedBytes('canister state: another form', 0)
  const small = (): number => Number(reader.uint())
  const big = (): bigint => BigInt(reader.uint())
  const status = STATUSES[small()] ?? 'running'
  const settings = readSettings(reader)
  const state = stateAtFirst()
  state.status = status
  state.settings = settings
  state.cycles = (big() << 64n) | big()
  state.version = big()
  state.timeNs = big()
  state.createdNs = big()
  state.installedNs = big()
  state.certified = reader.bytes()
  state.timerNs = big()
  const hash = reader.bytes()
  state.codeHash = hash.length === 0 ? undefined : hash
  state.ownCode = small() === 1
  state.codeBytes = small()
  state.heapPages = small()
  state.stablePages = small()
  state.globals = reader.bytes()
  state.nextContext = small()
  state.nextCallback = small()
  state.nextSnapshot = small()
  state.openContexts = small()
  state.openCallbacks = small()
  state.nextDeadlineNs = big()
  state.nextLogLine = small()
  state.changes = Array.from({ length: reader.array() }, () => readChange(reader))
  state.totalChanges = small()
  const flags = small()
  state.beats = (flags & 1) !== 0
  state.deleted = (flags & 2) !== 0
  state.toldLowMemory = (flags & 4) !== 0
  reader.end()
  return state
}

const CHANGES = ['creation', 'uninstall', 'install', 'reinstall', 'upgrade', 'controllers', 'load'] as const

function writeChange(writer: CborWriter, change: Change): void {
  const { loaded, callerVersion } = change
  writer.array((loaded === undefined ? 6 : 9) + (callerVersion === undefined ? 0 : 1))
  writer.uint(change.timeNs)
  writer.uint(change.version)
  writer.bytes(change.caller)
  writer.uint(CHANGES.indexOf(change.what))
  writer.bytes(change.hash)
  writePrincipals(writer, change.controllers)
  if (loaded !== undefined) {
    writer.uint(loaded.takenNs)
    writer.uint(loaded.version)
    writer.bool(loaded.isUploaded)
  }
  if (callerVersion !== undefined) writer.uint(callerVersion)
}

function readChange(reader: CborReader): Change {
  const fields = reader.array()
  if (fields < 6 || fields > 10 || fields === 8)
    throw new MalformedBytes('canister change: another form', reader.offset)
  const change = {
    timeNs: BigInt(reader.uint()),
    version: BigInt(reader.uint()),
    caller: reader.bytes(),
    what: CHANGES[Number(reader.uint())] ?? 'creation',
    hash: reader.bytes(),
    controllers: readPrincipals(reader),
  }
  const loaded =
    fields < 9
      ? undefined
      : { takenNs: BigInt(reader.uint()), version: BigInt(reader.uint()), isUploaded: reader.bool() }
  const callerVersion = fields === 7 || fields === 10 ? BigInt(reader.uint()) : undefined
  return { ...change, loaded, callerVersion }
}
