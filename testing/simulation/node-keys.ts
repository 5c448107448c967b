import type { NodeKeys } from '../../node/index.ts'
import { asKeyId, ed25519PublicKey, keyId, sha256, toUtf8 } from '../../protocol/index.ts'

const known = new Map<string, NodeKeys>()

/** The keys of the node of that name: the same in every network, so that a process keeps its id from run to run. */
export function nodeKeys(name: string): NodeKeys {
  const keys = known.get(name) ?? makeKeys(name)
  known.set(name, keys)
  return keys
}

function makeKeys(name: string): NodeKeys {
  const seed = sha256(toUtf8(`atoll/testing/node/${name}`))
  return { seed, key: asKeyId(keyId(ed25519PublicKey(seed))), adminToken: '' }
}
