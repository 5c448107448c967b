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

/** Queries of the management canister: each is about one canister. */
const QUERIES: ReadonlySet<string> = new Set([
  'canister_info',
  'canister_metrics',
  'canister_status',
  'fetch_canister_logs',
])

/**
 * A request goes to the canister that it is about, and that is the one in the path.
 * @throws {HttpRefusal}
 */
export function checkTarget(target: Uint8Array, effective: Uint8Array): void {
  if (equalBytes(target, effective)) return
  throw new HttpRefusal(
    400,
    `The canister of the path, ${principalText(effective)}, is not that of the request, ${principalText(target)}`,
  )
}

/**
 * The canister that an update of the management canister is about. One that is about none is refused wherever it is sent: no user
 * may ask for what those do. @throws {CallRefusal}
 */
export function managementTarget(method: string, arg: Uint8Array): Uint8Array {
  const target = namedIn(method, arg)
  if (target !== undefined) return target
  throw new CallRefusal(4, 'IC0406', `Only canisters can call ic00 method ${method}, or it names no canister`)
}

/** The canister that a query of the management canister is about. @throws {CallRefusal} */
export function queryTarget(method: string, arg: Uint8Array): Uint8Array {
  if (method === 'list_canisters')
    throw new CallRefusal(4, 'IC0406', `Only subnet admins can call ic00 method ${method}, and this subnet has none`)
  const target = namedIn(method, arg)
  if (target !== undefined) return target
  if (QUERIES.has(method))
    throw new CallRefusal(4, 'IC0408', 'Error decoding candid: field canister_id: expected principal')
  throw new CallRefusal(5, 'IC0536', `Query method ${method} not found.`)
}

/** The canister that an argument names, if it names one. @throws {CallRefusal} */
function namedIn(method: string, arg: Uint8Array): Uint8Array | undefined {
  const field = method === 'install_chunked_code' ? 'target_canister' : 'canister_id'
  try {
    const value = firstRecord(decodeCandid(arg, { valuesMax: LOOKED_AT_MAX })).get(candidLabel(field))
    return typeof value === 'object' && value !== null && 'principal' in value ? value.principal : undefined
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    // What takes no record may be asked for with anything.
    if (arg.length === 0) return undefined
    throw new CallRefusal(4, 'IC0408', `Error decoding candid: ${error.message}`)
  }
}
