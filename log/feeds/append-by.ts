import type Hypercore from 'hypercore'
import type { HypercoreKeyPair } from 'hypercore'
import { equalBytes, Failure, type FeedSpec } from '../../protocol/index.ts'
import type { TailProof } from './feed-state.ts'
import { signatureList } from './only-signature.ts'

export interface HypercoreAppend {
  readonly feed: FeedSpec
  readonly from: number
  readonly blocks: readonly Uint8Array[]
  /** What others signed, or several. */
  readonly proof: TailProof | undefined
  /** Signs, if nobody did. */
  readonly keyPair: HypercoreKeyPair
}

/** Makes a feed hold blocks by its Hypercore, which may hold some of them already. @throws {Failure} `feed-frozen` if it holds less or other blocks */
export async function appendBy(core: Hypercore, append: HypercoreAppend): Promise<void> {
  const { feed, from, blocks, proof, keyPair } = append
  const { process } = feed
  const { length, fork } = core
  if (length < from || fork !== 0) throw new Failure('feed-frozen', { process, expected: from, length, fork })
  if (core.core.header.frozen)
    throw new Failure('feed-frozen', { process }, { note: 'two heads of one length were seen' })
  const held = Math.min(length - from, blocks.length)
  for (const [at, block] of blocks.slice(0, held).entries()) {
    const other = await core.get(from + at, { wait: false })
    if (other === null || !equalBytes(other, block)) throw new Failure('feed-frozen', { process, index: from + at })
  }
  if (held === blocks.length) return
  forgetRecovery(core)
  const signed = proof === undefined ? { keyPair } : { signature: signatureList(feed, proof.signature) }
  await core.append(held === 0 ? blocks : blocks.slice(held), signed)
}

/**
 * hypercore-storage marks every core when it drops a broken WAL, and an append then waits for peers. What was
 * lost stands in our journal and was compared with it, so there is nothing to wait for.
 */
export function forgetRecovery(core: Hypercore): void {
  core.core.header.hints.recovering = 0
}
