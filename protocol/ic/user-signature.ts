import { MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { ed25519Verify, secp256k1Verify, sha256 } from '../crypto/crypto.ts'
import type { Verify } from '../crypto/known-signatures.ts'
import { IC_CANISTER_SIGNATURE_MAX_BYTES } from '../limits/limits.ts'
import { p256Verify } from '../crypto/p256.ts'
import { withLowS } from '../crypto/signature-rules.ts'
import { HASH_TREE_DEPTH_MAX, hashTreeRoot, lookUpNode, readHashTree } from './hash-tree.ts'
import { decodeIc, isIcMap } from './ic-value.ts'
import { certifiedTree, proves } from './state-certificate.ts'
import { readUserKey, type UserKey } from './user-key.ts'
import { verifyAssertion } from './webauthn.ts'

/** By whose word canisters sign for their users. */
export interface CanisterTrust {
  /** Root keys (DER). */
  readonly rootKeys: readonly Uint8Array[]
  /** Who verifies signatures of certificates, which takes long; `blsVerify`, if not given. */
  readonly verifyBls?: Verify | undefined
}

/**
 * Whether the key (DER) signed `message`, by whatever scheme the key is of. Canisters sign by what a root key certifies.
 * False on whatever cannot be read.
 */
export function verifyUserSignature(
  derKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  trust: CanisterTrust,
): boolean {
  try {
    return verify(readUserKey(derKey), message, signature, trust)
  } catch (error) {
    if (error instanceof MalformedBytes) return false
    throw error
  }
}

function verify(key: UserKey, message: Uint8Array, signature: Uint8Array, trust: CanisterTrust): boolean {
  switch (key.kind) {
    case 'ed25519':
      return ed25519Verify(key.key, message, signature)
    case 'secp256k1':
      return secp256k1Verify(key.key, sha256(message), withLowS(signature))
    case 'p256':
      return p256Verify(key.key, message, signature)
    case 'webauthn':
      return verifyAssertion(key.cose, message, signature)
    case 'canister':
      return trust.rootKeys.some(rootKey => verifyCanister(key, message, signature, rootKey, trust.verifyBls))
  }
}

/** A canister signs by certifying a tree in which `sig`, the hash of the seed and the hash of the message stand. */
function verifyCanister(
  { canister, seed }: Extract<UserKey, { kind: 'canister' }>,
  message: Uint8Array,
  signature: Uint8Array,
  rootKey: Uint8Array,
  verifyBls: Verify | undefined,
): boolean {
  if (signature.length > IC_CANISTER_SIGNATURE_MAX_BYTES) throw new MalformedBytes('canister signature: too long', 0)
  const map = decodeIc(signature, HASH_TREE_DEPTH_MAX)
  const certificate = isIcMap(map) ? map.get('certificate') : undefined
  if (!isIcMap(map) || !(certificate instanceof Uint8Array))
    throw new MalformedBytes('canister signature: no certificate', 0)
  const tree = readHashTree(map.get('tree'))
  const entry = lookUpNode(tree, [toUtf8('sig'), sha256(seed), sha256(message)])
  if (entry.status !== 'found' || entry.tree[0] !== 3 || entry.tree[1].length !== 0) return false
  const path = [toUtf8('canister'), canister, toUtf8('certified_data')]
  const root = hashTreeRoot(tree)
  return certifiedTree(certificate, rootKey, canister, state => proves(state, path, root), verifyBls) !== undefined
}
