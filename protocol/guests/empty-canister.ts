import { toUtf8 } from '../codec/bytes.ts'
import { sha256 } from '../crypto/crypto.ts'
import { type DataItem, signDataItemSync } from '../items/data-item.ts'

/** A WebAssembly module with nothing in it. */
export const EMPTY_WASM = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00)

let made: DataItem | undefined

/** The module of canisters that begin without code: the same item on every node, signed with a key that everybody knows. */
export function emptyCanisterModule(): DataItem {
  made ??= signDataItemSync(
    {
      tags: [
        { name: 'Data-Protocol', value: 'ao' },
        { name: 'Variant', value: 'ao.TN.1' },
        { name: 'Type', value: 'Module' },
        { name: 'Module-Format', value: 'canister' },
        { name: 'Name', value: 'empty-canister' },
      ],
      data: EMPTY_WASM,
    },
    sha256(toUtf8('atoll/canister/empty/1')),
  )
  return made
}
