import { expect, onTestFinished, test } from 'vitest'
import type { EvidencePeers } from '../../evidence/index.ts'
import { HypercoreLog } from '../../log/index.ts'
import { type Evidence, openEvidence } from '../../node/opening/open-evidence.ts'
import {
  asKeyId,
  encodeEnvelope,
  encodeFrame,
  envelopeId,
  Failure,
  HEADS_EVERY_MS,
  type KeyId,
  type Log,
  messagesFeed,
  type ProcessDescription,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'
import { tempFolder } from '../log/temp-folder.ts'

const PAGE = { bytes: 1_000_000, blocks: 100_000 }

/** Two feeds of one scheduler: the same up to `common`, and then each as many blocks of its own. */
async function twoFeeds(
  common: number,
  own: readonly [number, number],
): Promise<{ process: ProcessDescription; spawn: Uint8Array; sides: readonly [MemoryLog, MemoryLog] }> {
  const { description: process, spawn } = await ProvenProcess.open([11], 1, [])
  const sides = [MemoryLog.open(), MemoryLog.open()] as const
  for (const log of sides) log.signWith(seedOf(1))
  for (let index = 0; index < common + Math.max(...own); index++) {
    const shared = messageItem(process.id, { data: 'both' }).bytes
    for (const [at, log] of sides.entries()) {
      if (index >= common + (own[at] ?? 0)) continue
      const envelope = {
        kind: 'item',
        item: index < common ? shared : messageItem(process.id, { data: `side ${at}` }).bytes,
      } as const
      const bytes = encodeFrame(index, [{ timestampMs: 1000 + index, envelopeBytes: encodeEnvelope(envelope) }])
      await log.commit([
        { feed: messagesFeed(process), index, bytes, ids: [envelopeId(envelope, process.id, index)], firstSlot: index },
      ])
    }
  }
  return { process, spawn, sides }
}

interface Node {
  readonly key: KeyId
  readonly log: Log
  readonly evidence: Evidence
}

/** Nodes that are all connected once the partition is healed. */
class Nodes {
  readonly clock = new ManualClock()
  readonly all: Node[] = []
  isHealed = false
  /** Whether nobody answers when it is asked for a prefix. */
  isMute = false
  /** Who answers when this node is asked. */
  readonly stands = new Map<KeyId, KeyId>()
  readonly #process: ProcessDescription

  constructor(process: ProcessDescription) {
    this.#process = process
    onTestFinished(() => {
      for (const { evidence } of this.all) evidence[Symbol.dispose]()
    })
  }

  async add(number: number, log: Log): Promise<Node> {
    const [key, seed] = [asKeyId(keyOf(number)), seedOf(number)]
    const describe = async (id: string): Promise<ProcessDescription | undefined> =>
      id === this.#process.id ? this.#process : undefined
    const trouble = (what: string, failure: Failure): void => {
      if (failure.code !== 'equivocated' && failure.blame !== 'transient')
        expect.unreachable(`${what}: ${failure.message}`)
    }
    const evidence = await openEvidence({
      key,
      seed,
      log,
      clock: this.clock,
      describe,
      peers: this.#peersOf(key),
      trouble,
    })
    const node = { key, log, evidence }
    this.all.push(node)
    return node
  }

  async round(): Promise<void> {
    this.clock.advance(HEADS_EVERY_MS)
    await settle(60)
  }

  #peersOf(key: KeyId): EvidencePeers {
    const { all } = this
    const at = (to: KeyId): Node => {
      const node = all.find(one => one.key === to)
      if (node === undefined) throw new Failure('unreachable')
      return node
    }
    const isHealed = (): boolean => this.isHealed
    return {
      get peers() {
        return isHealed() ? all.map(node => node.key).filter(other => other !== key) : []
      },
      showHeads: async (to, heads) => at(to).evidence.heads?.shown(heads, key),
      prefix: async (from, wish) => {
        if (this.isMute) throw new Failure('timeout')
        return at(this.stands.get(from) ?? from).evidence.heads?.prefix(wish)
      },
      lacks: async (to, ids) => at(to).evidence.book.lacks(ids),
      tell: async (to, bytes) => void (await at(to).evidence.book.take(bytes, key)),
    }
  }
}

async function hypercoreLog(seed: number): Promise<HypercoreLog> {
  const folder = await tempFolder()
  const log = await HypercoreLog.open({ directory: folder.path, keySeed: seedOf(seed) })
  onTestFinished(async () => {
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  return log
}

interface World {
  readonly nodes: Nodes
  readonly process: ProcessDescription
  /** The last block that both sides have. */
  readonly common: Uint8Array | undefined
}

/** Followers of either side, to whom one head came for all blocks of their side, and who just met. */
async function met(
  common: number,
  own: readonly [number, number],
  bend: (nodes: Nodes) => void = () => undefined,
): Promise<World> {
  const { process, spawn, sides } = await twoFeeds(common, own)
  const nodes = new Nodes(process)
  for (const [number, side] of [
    [31, 0],
    [32, 1],
    [33, 0],
  ] as const) {
    const log = await hypercoreLog(number)
    await log.directory.addProcess(process, spawn)
    const piece = await sides[side].signed(messagesFeed(process), 0, PAGE)
    if (piece === undefined) throw new TypeError('expected blocks')
    expect(await log.take(messagesFeed(process), piece)).toMatchObject({ status: 'taken', length: common + own[side] })
    await nodes.add(number, log)
  }
  bend(nodes)
  nodes.isHealed = true
  return { nodes, process, common: await sides[0].block(messagesFeed(process), common - 1) }
}

/** Where each node's copy ends. */
function lengths({ nodes, process }: World): Promise<number[]> {
  return Promise.all(nodes.all.map(({ log }) => log.length(messagesFeed(process))))
}

/** Rounds until all stand still at the common prefix. */
async function converged(world: World, common: number): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    await world.nodes.round()
    return (await lengths(world)).every(length => length === common)
  }
  await expect.poll(isThere, { timeout: 60_000 }).toBe(true)
}

test.each([
  [6, [4, 9]],
  [1, [40, 3]],
  [13, [2, 70]],
  [64, [64, 64]],
  [100, [1, 9]],
] as const)(
  'after %i common blocks, and %j under one head each, the process stands still exactly there as soon as two of them meet',
  async (common, own) => {
    const world = await met(common, own)
    for (const _ of ['they meet', 'whoever was busy is shown it']) await world.nodes.round()
    await expect.poll(() => lengths(world), { timeout: 60_000 }).toEqual([common, common, common])
    for (const { log, evidence } of world.nodes.all) {
      expect(evidence.book.endOf(world.process)).toBe(common)
      const proofs = evidence.book.list()
      expect(Math.min(...proofs.map(({ length }) => length ?? 0))).toBe(common + 1)
      for (const { bytes } of proofs) expect(bytes.length).toBeLessThanOrEqual(1024)
      // The common prefix goes on being served.
      expect(await log.block(messagesFeed(world.process), common - 1)).toEqual(world.common)
    }
  },
)

test('whoever answers no search is found out all the same: what stands still is shown again, and compared', async () => {
  const world = await met(6, [4, 9], nodes => {
    nodes.isMute = true
  })
  await converged(world, 6)
  expect(world.nodes.all.map(({ evidence }) => evidence.book.endOf(world.process))).toEqual([6, 6, 6])
})

test('a search that another node of the same name answers ends too early, and is made good', async () => {
  const world = await met(6, [8, 9], nodes => {
    const [first, second, third] = nodes.all.map(({ key }) => key) as [KeyId, KeyId, KeyId]
    nodes.stands.set(second, third).set(first, second)
  })
  await converged(world, 6)
})
