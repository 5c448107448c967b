import {
  blsSign,
  concatBytes,
  encodeIc,
  hashOfMap,
  type HashTree,
  hashTreeRoot,
  icMap,
  type IcValue,
  leb128,
  selfAuthenticating,
  separator,
  sha256,
  stateRootMessage,
  toUtf8,
} from '../../protocol/index.ts'
import { asIc, canisterDer, envelopeOf } from './signed-requests.ts'

/** A certificate of a tree, by the key of that secret; with a delegation, by that of a subnet. */
export function certificateOf(
  tree: HashTree,
  secret: Uint8Array,
  delegation?: { readonly subnet_id: Uint8Array; readonly certificate: Uint8Array },
): Uint8Array {
  const signature = blsSign(secret, stateRootMessage(hashTreeRoot(tree)))
  return encodeIc(icMap({ tree: tree as unknown as IcValue, signature, delegation: delegation && icMap(delegation) }))
}

/** A state in which a canister certifies this. */
export const stateWith = (canister: Uint8Array, certified: Uint8Array): HashTree => [
  1,
  [2, toUtf8('canister'), [2, canister, [2, toUtf8('certified_data'), [3, certified]]]],
  [2, toUtf8('time'), [3, leb128(99)]],
]

/** A request of somebody whom a canister vouches for, under the root key of that secret. */
export function signedByCanister(
  content: Record<string, unknown>,
  { canister, seed, root }: { readonly canister: Uint8Array; readonly seed: Uint8Array; readonly root: Uint8Array },
): Uint8Array {
  const der = canisterDer(canister, seed)
  const asked = asIc({ ...content, sender: selfAuthenticating(der) })
  const message = concatBytes(separator('ic-request'), hashOfMap(asked))
  const tree: HashTree = [2, toUtf8('sig'), [2, sha256(seed), [2, sha256(message), [3, new Uint8Array(0)]]]]
  const certificate = certificateOf(stateWith(canister, hashTreeRoot(tree)), root)
  return envelopeOf({
    content: asked,
    sender_pubkey: der,
    sender_sig: encodeIc(icMap({ certificate, tree: tree as unknown as IcValue })),
  })
}
