import { randomBytes } from 'node:crypto'
import {
  concatBytes,
  ed25519PublicKey,
  ed25519Sign,
  encodeIc,
  fromHex,
  hashOfMap,
  icMap,
  selfAuthenticating,
  separator,
  toUtf8,
} from '../../protocol/index.ts'

const ED25519_DER = fromHex('302a300506032b6570032100')
const REQUEST = separator('ic-request')
/** An empty list of Candid arguments. */
const NO_ARGUMENTS = concatBytes(toUtf8('DIDL'), new Uint8Array(2))
const HOLD_MS = 240_000

/** Signs requests as clients of the IC do, with one Ed25519 key. */
export class RequestSigner {
  readonly #seed = new Uint8Array(randomBytes(32))
  readonly #key = concatBytes(ED25519_DER, ed25519PublicKey(this.#seed))
  readonly sender = selfAuthenticating(this.#key)

  sign(type: 'call' | 'query', canister: Uint8Array, method: string, arg: Uint8Array = NO_ARGUMENTS): Uint8Array {
    const content = icMap({
      request_type: type,
      canister_id: canister,
      method_name: method,
      arg,
      sender: this.sender,
      ingress_expiry: BigInt(Date.now() + HOLD_MS) * 1_000_000n,
      nonce: new Uint8Array(randomBytes(16)),
    })
    const signature = ed25519Sign(this.#seed, concatBytes(REQUEST, hashOfMap(content)))
    return encodeIc(icMap({ content, sender_pubkey: this.#key, sender_sig: signature }))
  }
}
