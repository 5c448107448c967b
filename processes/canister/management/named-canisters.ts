import { equalBytes, principalText } from '../../../protocol/index.ts'
import { Rejected } from '../canister-trap.ts'
import type { Machine } from '../machine.ts'
import type { Fields } from './fields.ts'

/** An id is that of a spawn message: nobody can choose one, and who did is not given another without a word. @throws {Rejected} */
export function checkSpecified(fields: Fields, self: Uint8Array | undefined): void {
  const specified = fields.principalIf('specified_id')
  if (specified === undefined || (self !== undefined && equalBytes(specified, self))) return
  throw new Rejected('IC0408', `specified_id: no canister can be made as ${principalText(specified)}`)
}

/** A request stands in the feed of the canister that it is about. @throws {Rejected} */
export function checkTarget(machine: Machine, method: string, fields: Fields): void {
  const target =
    method === 'install_chunked_code' ? fields.principal('target_canister') : fields.principal('canister_id')
  if (equalBytes(target, machine.names.self)) return
  throw new Rejected(
    'IC0408',
    `the request is about ${principalText(target)}, not ${principalText(machine.names.self)}`,
  )
}
