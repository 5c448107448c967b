import {
  candidFields,
  candidLabel,
  candidRecord,
  type CandidType,
  candidVariant,
  decodeCandid,
  encodeCandid,
  firstRecord,
} from '../../protocol/index.ts'

/** A principal at which requests that make canisters are posted: that of no canister. */
export const ANYWHERE = 'ryjl3-tyaaa-aaaaa-aaaba-cai'

const MODE: CandidType = { variant: candidFields({ install: 'null' }) }
const INSTALL: CandidType = {
  record: candidFields({ mode: MODE, canister_id: 'principal', wasm_module: { vec: 'nat8' }, arg: { vec: 'nat8' } }),
}
const NOTHING = new Uint8Array(0)

/** The argument of `provisional_create_canister_with_cycles`. */
export const creationArgument = (): Uint8Array => encodeCandid([[{ record: [] }, candidRecord({})]])

/** The principal that such a call is answered with. @throws {Error} if there is none */
export function principalMade(reply: Uint8Array): Uint8Array {
  const made = firstRecord(decodeCandid(reply)).get(candidLabel('canister_id'))
  if (typeof made !== 'object' || made === null || !('principal' in made)) throw new Error('no canister was made')
  return made.principal
}

/** The argument of `install_code` for a canister that has none yet, and whose init takes nothing. */
export const installArgument = (principal: Uint8Array, wasm: Uint8Array): Uint8Array =>
  encodeCandid([
    [
      INSTALL,
      candidRecord({ mode: candidVariant('install'), canister_id: { principal }, wasm_module: wasm, arg: NOTHING }),
    ],
  ])
