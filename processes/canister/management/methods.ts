// biome-ignore-all format: a table reads by its rows
import { principalText } from '../../../protocol/index.ts'
import type { CallsTaken } from '../calls-taken.ts'
import { clearLines, type LogLine, readLines } from '../canister-log.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { freezingLimit, idleCyclesPerDay, memorySizes } from '../freezing.ts'
import { CODE } from '../machine.ts'
import { removePieces } from '../pieces.ts'
import type { Slot } from '../slot.ts'
import { type Callers, mayCall } from './callers.ts'
import { assembleChunks, clearChunks, storedChunks, uploadChunk } from './chunk-store.ts'
import { abandon } from './errand.ts'
import { FETCHING_CHUNKS, READ_CHUNK, readChunkFor } from './chunks-elsewhere.ts'
import { type Fields, recordOf } from './fields.ts'
import { remember } from './history.ts'
import { install, type InstallParts } from './install.ts'
import { chunkHashes, installation, versionOfCaller } from './installation-fields.ts'
import { hashesReply, hashReply, infoReply, logsReply, metadataReply, metricsReply, NOTHING, statusReply } from './replies.ts'
import { readSettings } from './settings.ts'
import { snapshotDataReply, snapshotIdReply, snapshotMetadataReply, snapshotReply, snapshotsReply } from './snapshot-replies.ts'
import { findSnapshot, listSnapshots, placesOf, sizeOf } from './snapshot-store.ts'
import { readSnapshotData, uploadSnapshotData, uploadSnapshotMetadata } from './snapshot-transfer.ts'
import { READ_PIECES, readPiecesFor } from './snapshot-pieces.ts'
import { checkNothingOpen, FETCHING_SNAPSHOT } from './snapshots-elsewhere.ts'
import { deleteSnapshot, loadSnapshot, takeSnapshot } from './snapshots.ts'

export interface MethodContext extends InstallParts {
  readonly calls: CallsTaken
  readonly slot: Slot
  readonly caller: Uint8Array
  readonly cycles: bigint
}

/** A method of the management canister that is about one canister. */
export interface Method {
  readonly callers: Callers
  readonly isQuery?: boolean
  /** Whether users may call it; they may, if it does not say. */
  readonly byUsers?: boolean
  /** Whether canisters ask it of each other, not their code. */
  readonly isInner?: boolean
  /** The cycles that come with the call stay, if it is carried out. */
  readonly keepsCycles?: boolean
  /** Gives the reply. @throws {Rejected} */
  readonly run: (fields: Fields, context: MethodContext) => Uint8Array
}

const NO_BYTES = new Uint8Array(0)

/** What changes the canister: done, and answered with nothing. */
const doing = (callers: Method['callers'], act: (fields: Fields, context: MethodContext) => void, byUsers = true): Method => ({
  callers,
  byUsers,
  run: (fields, context) => {
    act(fields, context)
    context.slot.hasActed = true
    return NOTHING
  },
})

/** By name; `stop_canister` and `start_canister`, and `install_chunked_code` from another's store, are carried out where calls are known. */
export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['install_code', doing('controllers', (fields, context) => {
    install(context, { ...installation(fields), wasm: fields.blob('wasm_module').slice(), caller: context.caller }, context.slot)
  })],
  ['install_chunked_code', doing('controllers', (fields, context) => {
    const wasm = assembleChunks(context.slot.cells, chunkHashes(fields), fields.blob('wasm_module_hash'))
    install(context, { ...installation(fields), wasm, caller: context.caller }, context.slot)
  })],
  ['uninstall_code', doing('controllers', (fields, context) => uninstall(context, versionOfCaller(fields)))],
  ['update_settings', doing('controllers', updateSettings)],
  ['start_canister', doing('controllers', () => undefined)],
  ['stop_canister', doing('controllers', () => undefined)],
  ['delete_canister', doing('controllers', deleteCanister)],
  ['deposit_cycles', {
    ...doing('anyone', (_, { machine, cycles }) => machine.change({ cycles: machine.state.cycles + cycles }), false),
    keepsCycles: true,
  }],
  ['provisional_top_up_canister', doing('anyone', (fields, { machine }) => {
    machine.change({ cycles: machine.state.cycles + (fields.cyclesIf('amount') ?? fields.nat('amount')) })
  })],
  ['clear_chunk_store', doing('self', (_, { slot }) => clearChunks(slot.cells))],
  ['upload_chunk', {
    callers: 'self',
    run: (fields, { slot }) => {
      slot.hasActed = true
      return hashReply(uploadChunk(slot.cells, fields.blob('chunk')))
    },
  }],
  ['stored_chunks', { callers: 'self', run: (_, { slot }) => hashesReply(storedChunks(slot.cells)) }],
  [READ_CHUNK, { callers: 'anyone', isInner: true, run: readChunkFor }],
  [READ_PIECES, { callers: 'anyone', isInner: true, run: readPiecesFor }],
  ['canister_status', { callers: 'status', isQuery: true, run: (_, context) => status(context) }],
  ['canister_metrics', { callers: 'controllers', isQuery: true, run: () => metricsReply() }],
  ['canister_info', { callers: 'anyone', byUsers: false, isQuery: true, run: (fields, { machine }) => infoReply(machine, fields.natIf('num_requested_changes') ?? 0n) }],
  ['canister_metadata', { callers: 'anyone', byUsers: false, isQuery: true, run: metadata }],
  ['fetch_canister_logs', { callers: 'log', byUsers: false, isQuery: true, run: (fields, { slot }) => logsReply(chosenLines(fields, readLines(slot))) }],
  ['take_canister_snapshot', { callers: 'controllers', run: takeCanisterSnapshot }],
  ['load_canister_snapshot', doing('controllers', loadCanisterSnapshot)],
  ['list_canister_snapshots', { callers: 'snapshots', isQuery: true, run: listCanisterSnapshots }],
  ['delete_canister_snapshot', doing('controllers', (fields, { machine, slot }) => deleteSnapshot(machine, slot.cells, fields.blob('snapshot_id')))],
  ['read_canister_snapshot_metadata', { callers: 'snapshots', run: readSnapshotMetadata }],
  ['read_canister_snapshot_data', { callers: 'snapshots', run: (fields, context) => snapshotDataReply(readSnapshotData(context, fields, context.slot)) }],
  ['upload_canister_snapshot_metadata', {
    callers: 'controllers',
    run: (fields, { machine, slot }) => {
      const snapshot = uploadSnapshotMetadata(machine, fields, slot)
      slot.hasActed = true
      return snapshotIdReply(snapshot)
    },
  }],
  ['upload_canister_snapshot_data', doing('controllers', (fields, { machine, slot }) => uploadSnapshotData(machine, fields, slot))],
])

function uninstall(context: MethodContext, callerVersion?: bigint): void {
  const { machine, calls, caller, slot } = context
  const name = principalText(machine.names.self)
  const reject = { code: REJECT.canister, error: 'IC0537', message: `Canister ${name} has been uninstalled.` }
  calls.abandon(reject, slot)
  abandon(FETCHING_CHUNKS, context, reject, slot)
  abandon(FETCHING_SNAPSHOT, context, reject, slot)
  machine.removeCode({ certified: NO_BYTES, timerNs: 0n, version: machine.state.version + 1n })
  removePieces(slot.cells, CODE)
  clearChunks(slot.cells)
  clearLines(slot.cells)
  remember(machine, { what: 'uninstall', caller, callerVersion, hash: NO_BYTES, controllers: [] }, slot)
  slot.changed = true
}

function updateSettings(fields: Fields, { machine, caller, slot }: MethodContext): void {
  const before = machine.state.settings
  const settings = readSettings(fields.recordIf('settings'), before)
  // A threshold may freeze a canister; memory that it could not keep is not set aside for it.
  const allocates = settings.memoryAllocation > before.memoryAllocation
  if (allocates && machine.state.cycles < freezingLimit(machine, slot.cells, settings)) {
    const name = principalText(machine.names.self)
    throw new Rejected('IC0533', `Cannot increase memory allocation of canister ${name} due to insufficient cycles`)
  }
  machine.change({ settings, version: machine.state.version + 1n })
  slot.changed = true
  if (settings.controllers === before.controllers) return
  const callerVersion = versionOfCaller(fields)
  remember(machine, { what: 'controllers', caller, callerVersion, hash: NO_BYTES, controllers: settings.controllers }, slot)
}

/** The process stays, as every process does; the canister in it is gone, and answers as one that never was. */
function deleteCanister(_: Fields, context: MethodContext): void {
  const { machine, slot } = context
  if (machine.state.status !== 'stopped') {
    throw new Rejected('IC0510', `Canister ${principalText(machine.names.self)} must be stopped before it is deleted.`)
  }
  uninstall(context)
  for (const { id } of listSnapshots(machine, slot.cells)) deleteSnapshot(machine, slot.cells, id)
  machine.change({ deleted: true, cycles: 0n, settings: { ...machine.state.settings, controllers: [] } })
}

function status({ machine, slot: { cells } }: MethodContext): Uint8Array {
  return statusReply(machine.state, memorySizes(machine, cells), idleCyclesPerDay(machine, cells))
}

/** Lines of a range of numbers or times, if the request names one. */
function chosenLines(fields: Fields, lines: readonly LogLine[]): readonly LogLine[] {
  const filter = fields.variantIf('filter', ['by_idx', 'by_timestamp_nanos'])
  if (filter === undefined) return lines
  const range = recordOf(filter.value, 'filter')
  const [start, end] = [range.nat('start'), range.nat('end')]
  return lines.filter(({ number, timeNs }) => {
    const place = filter.name === 'by_idx' ? BigInt(number) : timeNs
    return place >= start && place < end
  })
}

function metadata(fields: Fields, { machine, slot, caller }: MethodContext): Uint8Array {
  const name = fields.text('name')
  const code = machine.code(slot.cells)
  const canister = `The canister ${principalText(machine.names.self)} has no`
  if (code === undefined) throw new Rejected('IC0406', `${canister} Wasm module and hence no metadata is available.`)
  const found = code.metadata.find(one => one.name === name && (one.isPublic || mayCall('controllers', caller, machine)))
  if (found === undefined) throw new Rejected('IC0406', `${canister} metadata section with the name ${name}.`)
  return metadataReply(found.content)
}

function takeCanisterSnapshot(fields: Fields, context: MethodContext): Uint8Array {
  const { machine, slot } = context
  const uninstalls = fields.flag('uninstall_code')
  const snapshot = takeSnapshot(machine, slot, fields.blobIf('replace_snapshot'))
  slot.hasActed = true
  if (uninstalls) uninstall(context, versionOfCaller(fields))
  return snapshotReply({ ...snapshot, sizeBytes: sizeOf(slot.cells, snapshot) })
}

function listCanisterSnapshots(_: Fields, { machine, slot: { cells } }: MethodContext): Uint8Array {
  return snapshotsReply(listSnapshots(machine, cells).map(one => ({ ...one, sizeBytes: sizeOf(cells, one) })))
}

function readSnapshotMetadata(fields: Fields, { machine, slot: { cells } }: MethodContext): Uint8Array {
  const snapshot = findSnapshot(machine, cells, fields.blob('snapshot_id'))
  return snapshotMetadataReply(snapshot, storedChunks(cells, placesOf(snapshot).chunks))
}

function loadCanisterSnapshot(fields: Fields, { machine, home, caller, slot }: MethodContext): void {
  const id = fields.blob('snapshot_id').slice()
  checkNothingOpen(machine)
  const loaded = loadSnapshot(machine, home, slot, id)
  remember(machine, { what: 'load', caller, callerVersion: versionOfCaller(fields), hash: id, controllers: [], loaded }, slot)
  slot.changed = true
}

