import {
  candidLabel,
  decodeCandid,
  equalBytes,
  firstRecord,
  MalformedBytes,
  principalText,
} from '../../protocol/index.ts'
import { CallRefusal, HttpRefusal } from './refusal.ts'

const CREATE: ReadonlySet<string> = new Set(['create_canister', 'provisional_create_canister_with_cycles'])

/** Values of an argument that is only looked at here, on behalf of anybody: more than any method needs, and quickly read. */
const LOOKED_AT_MAX = 10_000

/** Whether a method of the management canister makes a canister: then any canister may stand in the path. */
export const makesCanister = (method: string): boolean => CREATE.has(method)

/**
 * A request to the management canister goes to the canister that it is about, and that is the one in the path.
 * @throws {CallRefusal | HttpRefusal}
 */
export function checkTarget(method: string, arg: Uint8Array, effective: Uint8Array): void {
  const target = managementTarget(method, arg)
  if (equalBytes(target, effective)) return
  throw new HttpRefusal(
    400,
    `The canister of the path, ${principalText(effective)}, is not that of the request, ${principalText(target)}`,
  )
}

/**
 * The canister that a request to the management canister is about. One that is about none is refused wherever it is sent: no user
 * may ask for what those do. @throws {CallRefusal}
 */
export function managementTarget(method: string, arg: Uint8Array): Uint8Array {
  const field = method === 'install_chunked_code' ? 'target_canister' : 'canister_id'
  try {
    const value = firstRecord(decodeCandid(arg, { valuesMax: LOOKED_AT_MAX })).get(candidLabel(field))
    if (typeof value === 'object' && value !== null && 'principal' in value) return value.principal
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    // What takes no record may be asked for with anything.
    if (arg.length > 0) throw new CallRefusal(4, 'IC0408', `Error decoding candid: ${error.message}`)
  }
  throw new CallRefusal(4, 'IC0406', `Only canisters can call ic00 method ${method}, or it names no canister`)
}
