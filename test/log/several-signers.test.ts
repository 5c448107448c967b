import Corestore from 'corestore'
import Hypercore from 'hypercore'
import HypercoreStorage from 'hypercore-storage'
import multisig from 'hypercore/lib/multisig.js'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import {
  asKeyId,
  decodeMultiSignature,
  ed25519PublicKey,
  ed25519Sign,
  encodeMultiSignature,
  feedHeadHolds,
  feedHeadMessage,
  feedKey,
  type FeedSpec,
  FeedTree,
  keyId,
  type NewBlock,
  toHex,
} from '../../protocol/index.ts'
import { seedOf } from '../fakes/signed-items.ts'
import { blockOf, collect, messagesOf, NODE_KEY, NODE_SEED } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

const SEEDS = [NODE_SEED, seedOf(1), seedOf(2), seedOf(3)]
const KEYS = SEEDS.map(seed => asKeyId(keyId(ed25519PublicKey(seed))))
const SHARED: FeedSpec = { ...messagesOf('a'), signers: KEYS, quorum: 3 }

const proofBy = (feed: FeedSpec, tree: FeedTree, signer: number) => ({
  signer,
  signature: ed25519Sign(SEEDS[signer] ?? NODE_SEED, feedHeadMessage(feed, tree)),
})

/** Adds blocks to a tree, and gives them as a commit that `signers` signed. */
function signedBlocks(tree: FeedTree, count: number, signers: readonly number[]): NewBlock[] {
  const blocks = Array.from({ length: count }, (_, i) => blockOf(SHARED, tree.length + i))
  for (const { bytes } of blocks) tree.append(bytes)
  const signature = encodeMultiSignature(signers.map(signer => proofBy(SHARED, tree, signer)))
  return blocks.map((block, at) => (at === count - 1 ? { ...block, signature } : block))
}

const link = (a: Corestore, b: Corestore): (() => void) => {
  const [left, right] = [a.replicate(true), b.replicate(false)]
  left.on('error', () => undefined)
  right.on('error', () => undefined)
  left.pipe(right).pipe(left)
  return () => {
    left.destroy()
    right.destroy()
  }
}

/** Follows a feed of which only the key is known, as any Hypercore would, and gives the blocks that it took. */
async function follow(log: HypercoreLog, folder: string, length: number): Promise<Buffer[]> {
  const store = new Corestore(new HypercoreStorage(join(folder, 'follower')))
  await store.ready()
  const unlink = link(log.corestore, store)
  const held = log.corestore.get({ key: Buffer.from(feedKey(SHARED)) })
  await held.ready()
  const core = store.get({ key: Buffer.from(feedKey(SHARED)) })
  const blocks: Buffer[] = []
  for (let at = 0; at < length; at++) blocks.push(Buffer.from((await (core as unknown as Waiting).get(at)) ?? []))
  unlink()
  await held.close()
  await store.close()
  return blocks
}

interface Waiting {
  get(index: number): Promise<Uint8Array | null>
}

describe('a feed of several signers', () => {
  test('has the key that Hypercore gives it, whatever quorum and number of signers', () => {
    for (const [signers, quorum] of [
      [2, 2],
      [3, 2],
      [4, 3],
    ] as const) {
      const feed = { ...SHARED, signers: KEYS.slice(0, signers), quorum }
      const manifest = {
        version: 2 as const,
        hash: 'blake2b' as const,
        allowPatch: false as const,
        quorum,
        signers: feed.signers.map(key => ({
          signature: 'ed25519' as const,
          publicKey: Buffer.from(key, 'base64url'),
        })),
        userData: Buffer.from([
          0x83,
          0x68,
          ...Buffer.from('messages'),
          0x58,
          0x20,
          ...Buffer.from(feed.process, 'base64url'),
          0,
        ]),
      }
      expect(toHex(feedKey(feed))).toBe(toHex(new Uint8Array(Hypercore.key(manifest))))
    }
  })

  test('writes signatures as Hypercore writes them, and takes no other form', () => {
    const tree = new FeedTree()
    tree.append(new Uint8Array(9))
    const proofs = [3, 0, 2].map(signer => proofBy(SHARED, tree, signer))
    const bytes = encodeMultiSignature(proofs)
    const sorted = [...proofs].sort((a, b) => a.signer - b.signer)
    const theirs = multisig.assemble(
      sorted.map(proof => ({
        ...proof,
        signature: Buffer.from(proof.signature),
        patch: 0,
        nodes: null,
      })),
    )
    expect(toHex(bytes)).toBe(toHex(new Uint8Array(theirs)))
    expect(decodeMultiSignature(bytes)).toEqual(sorted)
    const swapped = new Uint8Array([3, ...bytes.slice(67, 133), ...bytes.slice(1, 67), ...bytes.slice(133)])
    for (const bad of [new Uint8Array(), bytes.slice(0, -1), new Uint8Array([...bytes, 0]), swapped])
      expect(() => decodeMultiSignature(bad)).toThrow()
    expect(() => encodeMultiSignature([proofs[0], proofs[0]].flatMap(one => one ?? []))).toThrow()
  })

  test('is written from the journal, found again, and followed by any Hypercore that knows its key', async () => {
    await using folder = await tempFolder()
    const tree = new FeedTree()
    for (const opening of [0, 1]) {
      await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
      expect(await log.length(SHARED)).toBe(tree.length)
      for (const count of [1, 3, 1, 1]) {
        await log.commit(signedBlocks(tree, count, opening === 0 ? [0, 1, 2] : [1, 2, 3]))
        const head = await log.head(SHARED)
        if (head === undefined) throw new TypeError('expected a head')
        expect(feedHeadHolds(SHARED, tree, head)).toBe(true)
      }
      await log.drain()
      const blocks = await collect(log.blocks(SHARED, 0))
      const taken = await follow(log, `${folder.path}-${opening}`, blocks.length)
      expect(taken.map(block => toHex(new Uint8Array(block)))).toEqual(blocks.map(toHex))
    }
  })

  test('is refused where a signature is missing, and its head holds for no smaller or other quorum', async () => {
    await using folder = await tempFolder()
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    await expect(log.commit([blockOf(SHARED, 0)])).rejects.toThrow('no signatures')
    const tree = new FeedTree()
    tree.append(blockOf(SHARED, 0).bytes)
    const headBy = (...signers: number[]) => ({
      length: 1,
      signature: encodeMultiSignature(signers.map(signer => proofBy(SHARED, tree, signer))),
    })
    expect(feedHeadHolds(SHARED, tree, headBy(0, 1, 3))).toBe(true)
    expect(feedHeadHolds(SHARED, tree, headBy(0, 1))).toBe(false)
    expect(feedHeadHolds({ ...SHARED, quorum: 2 }, tree, headBy(0, 1, 3))).toBe(false)
    expect(feedHeadHolds({ ...SHARED, signers: [...KEYS].reverse() }, tree, headBy(0, 1, 3))).toBe(false)
    const other = new FeedTree()
    other.append(blockOf(SHARED, 0, 'other').bytes)
    const torn = [proofBy(SHARED, tree, 0), proofBy(SHARED, tree, 1), proofBy(SHARED, other, 2)]
    expect(feedHeadHolds(SHARED, tree, { length: 1, signature: encodeMultiSignature(torn) })).toBe(false)
    await expect(log.commit([blockOf({ ...SHARED, signers: KEYS.slice(1) }, 0)])).rejects.toMatchObject({
      code: 'not-scheduler',
    })
    expect(KEYS[0]).toBe(NODE_KEY)
  })
})
