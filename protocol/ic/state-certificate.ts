/**
 * Certificates of the IC: a hash tree, signed by a subnet's key, which a delegation ties to the root key.
 */
import { compareBytes, concatBytes, equalBytes, MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import type { Verify } from '../crypto/known-signatures.ts'
import { blsKeyFromDer, blsVerify } from './bls.ts'
import {
  entriesOf,
  HASH_TREE_DEPTH_MAX,
  type HashTree,
  hashTreeRoot,
  lookUpNode,
  lookUpValue,
  readHashTree,
} from './hash-tree.ts'
import { decodeIc, type IcMap, type IcValue, isIcMap } from './ic-value.ts'
import { separator } from './separator.ts'

const STATE_ROOT = separator('ic-state-root')

export interface StateCertificate {
  readonly tree: HashTree
  readonly signature: Uint8Array
  readonly delegation: { readonly subnetId: Uint8Array; readonly certificate: Uint8Array } | undefined
}

/** What a subnet key signs for a tree with this root. */
export function stateRootMessage(root: Uint8Array): Uint8Array {
  return concatBytes(STATE_ROOT, root)
}

/** @throws {MalformedBytes} */
export function decodeCertificateOfState(bytes: Uint8Array): StateCertificate {
  const map = decodeIc(bytes, HASH_TREE_DEPTH_MAX)
  if (!isIcMap(map)) throw new MalformedBytes('certificate: expected a map', 0)
  const delegation = map.get('delegation')
  return {
    tree: readHashTree(map.get('tree')),
    signature: bytesOf(map, 'signature'),
    delegation: delegation === undefined ? undefined : readDelegation(delegation),
  }
}

function readDelegation(value: IcValue): StateCertificate['delegation'] {
  if (!isIcMap(value)) throw new MalformedBytes('certificate: expected a delegation', 0)
  return { subnetId: bytesOf(value, 'subnet_id'), certificate: bytesOf(value, 'certificate') }
}

function bytesOf(map: IcMap, name: string): Uint8Array {
  const value = map.get(name)
  if (value instanceof Uint8Array) return value
  throw new MalformedBytes(`certificate: expected bytes as ${name}`, 0)
}

/**
 * The tree that `certificate` proves under the root key (DER) for `canister`: if the root delegated, the canister
 * must be of the subnet. Nothing, if it proves none. @throws {MalformedBytes}
 */
export function certifiedTree(
  certificate: Uint8Array,
  rootKey: Uint8Array,
  canister: Uint8Array,
  wanted: (tree: HashTree) => boolean = () => true,
  verify: Verify = blsVerify,
): HashTree | undefined {
  const { tree, signature, delegation } = decodeCertificateOfState(certificate)
  // What a signature costs is paid only for a tree that would be of use.
  if (!wanted(tree)) return undefined
  const key = delegation === undefined ? rootKey : delegatedKey(delegation, rootKey, canister, verify)
  if (key === undefined) return undefined
  return verify(blsKeyFromDer(key), stateRootMessage(hashTreeRoot(tree)), signature) ? tree : undefined
}

function delegatedKey(
  { subnetId, certificate }: NonNullable<StateCertificate['delegation']>,
  rootKey: Uint8Array,
  canister: Uint8Array,
  verify: Verify,
): Uint8Array | undefined {
  const { tree, signature, delegation } = decodeCertificateOfState(certificate)
  // Delegations go one step deep.
  if (delegation !== undefined) return undefined
  if (!verify(blsKeyFromDer(rootKey), stateRootMessage(hashTreeRoot(tree)), signature)) return undefined
  if (
    !rangesOf(tree, subnetId).some(([from, to]) => compareBytes(from, canister) <= 0 && compareBytes(canister, to) <= 0)
  )
    return undefined
  return lookUpValue(tree, [toUtf8('subnet'), subnetId, toUtf8('public_key')])
}

/** Canister ranges of a subnet, in the older form or in shards. */
function rangesOf(tree: HashTree, subnetId: Uint8Array): readonly (readonly [Uint8Array, Uint8Array])[] {
  const whole = lookUpValue(tree, [toUtf8('subnet'), subnetId, toUtf8('canister_ranges')])
  if (whole !== undefined) return readRanges(whole)
  const shards = lookUpNode(tree, [toUtf8('canister_ranges'), subnetId])
  if (shards.status !== 'found') return []
  return entriesOf(shards.tree).flatMap(([, shard]) => (shard[0] === 3 ? readRanges(shard[1]) : []))
}

function readRanges(bytes: Uint8Array): (readonly [Uint8Array, Uint8Array])[] {
  const list = decodeIc(bytes)
  if (!Array.isArray(list)) throw new MalformedBytes('canister ranges: expected a list', 0)
  return list.map((range: IcValue) => {
    const [from, to] = Array.isArray(range) ? (range as readonly IcValue[]) : []
    if (from instanceof Uint8Array && to instanceof Uint8Array) return [from, to] as const
    throw new MalformedBytes('canister ranges: expected pairs of principals', 0)
  })
}

/** Whether the tree shows exactly this value at a path. */
export function proves(tree: HashTree, path: readonly Uint8Array[], value: Uint8Array): boolean {
  const found = lookUpValue(tree, path)
  return found !== undefined && equalBytes(found, value)
}
