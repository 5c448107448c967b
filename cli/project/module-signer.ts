import type { DataItem, Signer } from '../../protocol/index.ts'
import { signModule } from '../../sdk/index.ts'
import type { BuiltModule } from '../../toolchain/index.ts'

/** Signs each module once: not every key gives the same bytes the same id again, as Ed25519 keys do. */
export function moduleSigner(signer: Signer): (built: BuiltModule) => Promise<DataItem> {
  const signed = new Map<Uint8Array, Promise<DataItem>>()
  return ({ format, bytes, moduleTags }) => {
    const item = signed.get(bytes) ?? signModule(bytes, { format, tags: moduleTags }, signer)
    signed.set(bytes, item)
    return item
  }
}
