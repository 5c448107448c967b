import {
  candidFields,
  candidRecord,
  type CandidType,
  type CandidValue,
  candidVariant,
  encodeCandid,
} from '../../../protocol/index.ts'
import { decodeGlobals } from '../../actor/engine-state.ts'
import type { Snapshot } from './snapshot-store.ts'

const BLOB: CandidType = { vec: 'nat8' }
const SNAPSHOT: CandidType = { record: candidFields({ id: BLOB, taken_at_timestamp: 'nat64', total_size: 'nat64' }) }
export const SOURCE: CandidType = {
  variant: candidFields({ taken_from_canister: 'reserved', metadata_upload: 'reserved' }),
}
const GLOBAL: CandidType = {
  variant: candidFields({ i32: 'int32', i64: 'int64', f32: 'float32', f64: 'float64', v128: 'nat' }),
}
const METADATA: CandidType = {
  record: candidFields({
    source: SOURCE,
    taken_at_timestamp: 'nat64',
    wasm_module_size: 'nat64',
    globals: { vec: GLOBAL },
    wasm_memory_size: 'nat64',
    stable_memory_size: 'nat64',
    wasm_chunk_store: { vec: { record: candidFields({ hash: BLOB }) } },
    canister_version: 'nat64',
    certified_data: BLOB,
    global_timer: { opt: { variant: candidFields({ inactive: 'null', active: 'nat64' }) } },
    on_low_wasm_memory_hook_status: {
      opt: { variant: candidFields({ condition_not_satisfied: 'null', ready: 'null', executed: 'null' }) },
    },
  }),
}
const PAGE_BYTES = 65_536n

export type SizedSnapshot = Pick<Snapshot, 'id' | 'takenNs'> & { readonly sizeBytes: number }

const snapshotValue = ({ id, takenNs, sizeBytes }: SizedSnapshot): CandidValue =>
  candidRecord({ id, taken_at_timestamp: takenNs, total_size: BigInt(sizeBytes) })

export const snapshotReply = (one: SizedSnapshot): Uint8Array => encodeCandid([[SNAPSHOT, snapshotValue(one)]])
export const snapshotsReply = (all: readonly SizedSnapshot[]): Uint8Array =>
  encodeCandid([[{ vec: SNAPSHOT }, all.map(snapshotValue)]])
export const snapshotIdReply = ({ id }: Snapshot): Uint8Array =>
  encodeCandid([[{ record: candidFields({ snapshot_id: BLOB }) }, candidRecord({ snapshot_id: id })]])
export const snapshotDataReply = (chunk: Uint8Array): Uint8Array =>
  encodeCandid([[{ record: candidFields({ chunk: BLOB }) }, candidRecord({ chunk })]])

export const sourceValue = (isUploaded: boolean): CandidValue =>
  candidVariant(isUploaded ? 'metadata_upload' : 'taken_from_canister')

export function snapshotMetadataReply(snapshot: Snapshot, chunks: readonly Uint8Array[]): Uint8Array {
  const { globalTypes, timerNs, toldLowMemory } = snapshot
  const values = decodeGlobals(globalTypes, snapshot.globals)
  const timer =
    timerNs === undefined ? undefined : timerNs === 0n ? candidVariant('inactive') : candidVariant('active', timerNs)
  const hook =
    toldLowMemory === undefined ? undefined : candidVariant(toldLowMemory ? 'executed' : 'condition_not_satisfied')
  const value = candidRecord({
    source: sourceValue(snapshot.isUploaded),
    taken_at_timestamp: snapshot.takenNs,
    wasm_module_size: BigInt(snapshot.codeBytes),
    globals: globalTypes.map((type, at) =>
      candidVariant(type, type === 'i32' ? BigInt(values[at] ?? 0) : (values[at] ?? 0)),
    ),
    wasm_memory_size: BigInt(snapshot.heapPages) * PAGE_BYTES,
    stable_memory_size: BigInt(snapshot.stablePages) * PAGE_BYTES,
    wasm_chunk_store: chunks.map(hash => candidRecord({ hash })),
    canister_version: snapshot.version,
    certified_data: snapshot.certified,
    global_timer: { opt: timer },
    on_low_wasm_memory_hook_status: { opt: hook },
  })
  return encodeCandid([[METADATA, value]])
}
