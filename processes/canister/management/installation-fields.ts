import { type Fields, recordOf } from './fields.ts'
import type { Installation } from './install.ts'

const NO_BYTES = new Uint8Array(0)

/** How code is to be installed, whatever the code. @throws {Rejected} */
export function installation(
  fields: Fields,
): Pick<Installation, 'mode' | 'arg' | 'skipPreUpgrade' | 'persistence' | 'callerVersion'> {
  const mode = fields.variant('mode', ['install', 'reinstall', 'upgrade'])
  const options = mode.name === 'upgrade' ? optionsOf(mode.value) : undefined
  const persistence = options?.variantIf('wasm_memory_persistence', ['keep', 'replace'])?.name
  return {
    mode: mode.name,
    arg: fields.blobIf('arg') ?? NO_BYTES,
    skipPreUpgrade: options?.flag('skip_pre_upgrade') === true,
    persistence,
    callerVersion: versionOfCaller(fields),
  }
}

/** What a canister says of its own version as it asks for something. @throws {Rejected} */
export const versionOfCaller = (fields: Fields): bigint | undefined => fields.natIf('sender_canister_version')

/** Hashes of the chunks that make the code, in order. @throws {Rejected} */
export function chunkHashes(fields: Fields): Uint8Array[] {
  return fields
    .list('chunk_hashes_list')
    .map(one => (one instanceof Uint8Array ? one : recordOf(one, 'chunk_hashes_list').blob('hash')))
}

function optionsOf(value: Parameters<typeof recordOf>[0]): Fields | undefined {
  const inner = typeof value === 'object' && value !== null && 'opt' in value ? value.opt : value
  return inner === undefined || inner === null ? undefined : recordOf(inner, 'mode')
}
