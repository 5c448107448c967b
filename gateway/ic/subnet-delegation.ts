import { blsSign, CborWriter, encodeIc, icMap, leb128, stateRootMessage, toUtf8 } from '../../protocol/index.ts'
import type { IcKeys } from './keys.ts'
import { buildState, type StateSource, writeWitness } from './state-tree.ts'

/** Clients take delegations of the last 30 days. */
const RENEWED_AFTER_MS = 86_400_000
const NS_PER_MS = 1_000_000n

/**
 * What ties the key of this node's subnet to the root key, where that is another: a certificate of the root's, with the key of the subnet and
 * the canisters it may speak for. Signed anew each day; nothing, where the key is the root key itself.
 */
export class SubnetDelegation {
  readonly #keys: IcKeys
  readonly #shown: { readonly subnet: StateSource; readonly canisterRanges: StateSource }
  #signedMs = Number.NEGATIVE_INFINITY
  #bytes: Uint8Array | undefined

  constructor(keys: IcKeys, shown: { readonly subnet: StateSource; readonly canisterRanges: StateSource }) {
    this.#keys = keys
    this.#shown = shown
  }

  /** The CBOR of it, as it stands in certificates of the subnet. */
  at(nowMs: number): Uint8Array | undefined {
    const { rootSecret } = this.#keys
    if (rootSecret === undefined) return undefined
    if (this.#bytes === undefined || Math.abs(nowMs - this.#signedMs) >= RENEWED_AFTER_MS) {
      this.#bytes = this.#sign(rootSecret, nowMs)
      this.#signedMs = nowMs
    }
    return this.#bytes
  }

  #sign(rootSecret: Uint8Array, nowMs: number): Uint8Array {
    const { subnet, canisterRanges } = this.#shown
    const paths = [[toUtf8('canister_ranges')], [toUtf8('subnet')], [toUtf8('time')]]
    const time = leb128(BigInt(nowMs) * NS_PER_MS)
    const state = buildState({
      partial: false,
      entries: [
        [toUtf8('canister_ranges'), canisterRanges],
        [toUtf8('subnet'), subnet],
        [toUtf8('time'), time],
      ],
    })
    const writer = new CborWriter()
    writer.map(2)
    writer.text('tree')
    writeWitness(writer, state, paths)
    writer.text('signature')
    writer.bytes(blsSign(rootSecret, stateRootMessage(state.hash)))
    return encodeIc(icMap({ subnet_id: this.#keys.subnetId, certificate: writer.finish() })).subarray(
      SELF_DESCRIBED_BYTES,
    )
  }
}

const SELF_DESCRIBED_BYTES = 3
