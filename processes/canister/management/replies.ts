import {
  candidFields,
  candidRecord,
  type CandidType,
  type CandidValue,
  candidVariant,
  encodeCandid,
  equalBytes,
} from '../../../protocol/index.ts'
import type { LogLine } from '../canister-log.ts'
import type { Machine } from '../machine.ts'
import { SOURCE, sourceValue } from './snapshot-replies.ts'
import { ownerOf } from './snapshot-store.ts'
import type { Settings, Visibility } from '../canister-settings.ts'
import type { CanisterState, Change } from '../state.ts'

const PRINCIPALS: CandidType = { vec: 'principal' }
const BLOB: CandidType = { vec: 'nat8' }
const VISIBILITY: CandidType = {
  variant: candidFields({ controllers: 'null', public: 'null', allowed_viewers: PRINCIPALS }),
}
const ENVIRONMENT: CandidType = { vec: { record: candidFields({ name: 'text', value: 'text' }) } }

const SETTINGS: CandidType = {
  record: candidFields({
    controllers: PRINCIPALS,
    compute_allocation: 'nat',
    memory_allocation: 'nat',
    freezing_threshold: 'nat',
    reserved_cycles_limit: 'nat',
    minimum_incoming_canister_call_cycles: 'nat',
    log_visibility: VISIBILITY,
    log_memory_limit: 'nat',
    snapshot_visibility: VISIBILITY,
    status_visibility: VISIBILITY,
    wasm_memory_limit: 'nat',
    wasm_memory_threshold: 'nat',
    environment_variables: ENVIRONMENT,
  }),
}

/** What the IC has where nobody set one: clients expect it. */
const FREEZING_THRESHOLD_TOLD = 2_592_000n

const MEMORY = [
  'wasm_memory_size',
  'stable_memory_size',
  'global_memory_size',
  'wasm_binary_size',
  'custom_sections_size',
  'canister_history_size',
  'wasm_chunk_store_size',
  'snapshots_size',
  'log_memory_store_size',
] as const
const QUERIES = [
  'num_calls_total',
  'num_instructions_total',
  'request_payload_bytes_total',
  'response_payload_bytes_total',
] as const

const nats = (names: readonly string[]): CandidType => ({
  record: candidFields(Object.fromEntries(names.map(name => [name, 'nat']))),
})

const STATUS: CandidType = {
  record: candidFields({
    status: { variant: candidFields({ running: 'null', stopping: 'null', stopped: 'null' }) },
    ready_for_migration: 'bool',
    version: 'nat64',
    settings: SETTINGS,
    module_hash: { opt: BLOB },
    memory_size: 'nat',
    memory_metrics: nats(MEMORY),
    cycles: 'nat',
    reserved_cycles: 'nat',
    idle_cycles_burned_per_day: 'nat',
    query_stats: nats(QUERIES),
  }),
}

/** Sizes that `canister_status` tells, in bytes. */
type MemorySizes = Readonly<Record<(typeof MEMORY)[number], bigint>>

export function statusReply(state: CanisterState, sizes: MemorySizes, idleCyclesPerDay: bigint): Uint8Array {
  const total = Object.values(sizes).reduce((sum, one) => sum + one, 0n)
  const value = candidRecord({
    status: candidVariant(state.status),
    ready_for_migration: false,
    version: state.version,
    settings: settingsValue(state.settings),
    module_hash: { opt: state.codeHash },
    memory_size: total,
    memory_metrics: candidRecord(sizes),
    cycles: state.cycles,
    reserved_cycles: 0n,
    idle_cycles_burned_per_day: idleCyclesPerDay,
    query_stats: candidRecord(Object.fromEntries(QUERIES.map(name => [name, 0n]))),
  })
  return encodeCandid([[STATUS, value]])
}

const CONSUMED = [
  'memory',
  'compute_allocation',
  'ingress_induction',
  'instructions',
  'request_and_response_transmission',
  'uninstall',
  'canister_creation',
  'http_outcalls',
  'burned_cycles',
] as const

/** Cycles pay for nothing here, so none were taken for anything. */
export const metricsReply = (): Uint8Array =>
  encodeCandid([
    [
      { record: candidFields({ cycles_consumed: nats(CONSUMED) }) },
      candidRecord({ cycles_consumed: candidRecord(Object.fromEntries(CONSUMED.map(name => [name, 0n]))) }),
    ],
  ])

const principalValue = (principal: Uint8Array): CandidValue => ({ principal })

function settingsValue(settings: Settings): CandidValue {
  return candidRecord({
    controllers: settings.controllers.map(principalValue),
    compute_allocation: settings.computeAllocation,
    memory_allocation: settings.memoryAllocation,
    freezing_threshold: settings.freezingThreshold ?? FREEZING_THRESHOLD_TOLD,
    reserved_cycles_limit: settings.reservedCyclesLimit,
    minimum_incoming_canister_call_cycles: settings.minimumCallCycles,
    log_visibility: visibilityValue(settings.logVisibility),
    log_memory_limit: settings.logMemoryLimit,
    snapshot_visibility: visibilityValue(settings.snapshotVisibility),
    status_visibility: visibilityValue(settings.statusVisibility),
    wasm_memory_limit: settings.wasmMemoryLimit,
    wasm_memory_threshold: settings.wasmMemoryThreshold,
    environment_variables: settings.environment.map(([name, value]) => candidRecord({ name, value })),
  })
}

const visibilityValue = (who: Visibility): CandidValue =>
  typeof who === 'string' ? candidVariant(who) : candidVariant('allowed_viewers', who.map(principalValue))

const CONTROLLERS: CandidType = { record: candidFields({ controllers: PRINCIPALS }) }
const CREATION: CandidType = {
  record: candidFields({ controllers: PRINCIPALS, environment_variables_hash: { opt: BLOB } }),
}
const CODE: CandidType = {
  record: candidFields({
    mode: { variant: candidFields({ install: 'null', reinstall: 'null', upgrade: 'null' }) },
    module_hash: BLOB,
  }),
}
const LOADED: CandidType = {
  record: candidFields({
    canister_version: 'nat64',
    snapshot_id: BLOB,
    taken_at_timestamp: 'nat64',
    source: SOURCE,
    from_canister_id: { opt: 'principal' },
  }),
}
const CHANGE: CandidType = {
  record: candidFields({
    timestamp_nanos: 'nat64',
    canister_version: 'nat64',
    origin: {
      variant: candidFields({
        from_user: { record: candidFields({ user_id: 'principal' }) },
        from_canister: { record: candidFields({ canister_id: 'principal', canister_version: { opt: 'nat64' } }) },
      }),
    },
    details: {
      variant: candidFields({
        creation: CREATION,
        code_uninstall: 'null',
        code_deployment: CODE,
        load_snapshot: LOADED,
        controllers_change: CONTROLLERS,
      }),
    },
  }),
}
const INFO: CandidType = {
  record: candidFields({
    total_num_changes: 'nat64',
    recent_changes: { vec: CHANGE },
    module_hash: { opt: BLOB },
    controllers: PRINCIPALS,
  }),
}

export function infoReply({ state, names }: Pick<Machine, 'state' | 'names'>, asked: bigint): Uint8Array {
  const count = asked < BigInt(state.changes.length) ? Number(asked) : state.changes.length
  const value = candidRecord({
    total_num_changes: BigInt(state.totalChanges),
    recent_changes: state.changes.slice(state.changes.length - count).map(change => changeValue(change, names.self)),
    module_hash: { opt: state.codeHash },
    controllers: state.settings.controllers.map(principalValue),
  })
  return encodeCandid([[INFO, value]])
}

function changeValue(change: Change, self: Uint8Array): CandidValue {
  const { caller } = change
  // A user's principal is made from a key, or of an address; those of processes are of the opaque class too.
  const isUser = caller.at(-1) !== 1
  return candidRecord({
    timestamp_nanos: change.timeNs,
    canister_version: change.version,
    origin: isUser
      ? candidVariant('from_user', candidRecord({ user_id: { principal: caller } }))
      : candidVariant(
          'from_canister',
          candidRecord({ canister_id: { principal: caller }, canister_version: { opt: change.callerVersion } }),
        ),
    details: detailsOf(change, self),
  })
}

function detailsOf({ what, hash, controllers, version, timeNs, loaded }: Change, self: Uint8Array): CandidValue {
  switch (what) {
    case 'creation':
      return candidVariant(
        'creation',
        candidRecord({
          controllers: controllers.map(principalValue),
          environment_variables_hash: { opt: hash.length === 0 ? undefined : hash },
        }),
      )
    case 'controllers':
      return candidVariant('controllers_change', candidRecord({ controllers: controllers.map(principalValue) }))
    case 'uninstall':
      return candidVariant('code_uninstall')
    case 'load': {
      const source = sourceValue(loaded?.isUploaded === true)
      const [canister_version, taken_at_timestamp] = [loaded?.version ?? version, loaded?.takenNs ?? timeNs]
      const owner = ownerOf(hash)
      const from_canister_id = {
        opt: owner === undefined || equalBytes(owner, self) ? undefined : { principal: owner },
      }
      return candidVariant(
        'load_snapshot',
        candidRecord({ canister_version, snapshot_id: hash, taken_at_timestamp, source, from_canister_id }),
      )
    }
    default:
      return candidVariant('code_deployment', candidRecord({ mode: candidVariant(what), module_hash: hash }))
  }
}

const CANISTER_ID: CandidType = { record: candidFields({ canister_id: 'principal' }) }
const HASH: CandidType = { record: candidFields({ hash: BLOB }) }
const LOGS: CandidType = {
  record: candidFields({
    canister_log_records: { vec: { record: candidFields({ idx: 'nat64', timestamp_nanos: 'nat64', content: BLOB }) } },
  }),
}

export const NOTHING = encodeCandid([])
export const canisterIdReply = (principal: Uint8Array): Uint8Array =>
  encodeCandid([[CANISTER_ID, candidRecord({ canister_id: { principal } })]])
export const blobReply = (bytes: Uint8Array): Uint8Array => encodeCandid([[BLOB, bytes]])
export const hashReply = (hash: Uint8Array): Uint8Array => encodeCandid([[HASH, candidRecord({ hash })]])
export const hashesReply = (hashes: readonly Uint8Array[]): Uint8Array =>
  encodeCandid([[{ vec: HASH }, hashes.map(hash => candidRecord({ hash }))]])
export const metadataReply = (value: Uint8Array): Uint8Array =>
  encodeCandid([[{ record: candidFields({ value: BLOB }) }, candidRecord({ value })]])

export function logsReply(lines: readonly LogLine[]): Uint8Array {
  const records = lines.map(({ number, timeNs, content }) =>
    candidRecord({ idx: BigInt(number), timestamp_nanos: timeNs, content }),
  )
  return encodeCandid([[LOGS, candidRecord({ canister_log_records: records })]])
}
