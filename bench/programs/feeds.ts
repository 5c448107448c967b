/** Feeds from node to node, in two programs over libp2p on loopback: this one follows, and starts the one that is followed. */
import { fork } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HypercoreLog } from '../../log/index.ts'
import { Network } from '../../network/index.ts'
import { FeedFollowing, nativeCrypto, nativeFrameCipher, returnMemory, systemClock } from '../../node/index.ts'
import {
  asKeyId,
  asProcessId,
  ed25519PublicKey,
  encodeEnvelope,
  encodeFrame,
  type FeedSpec,
  installCrypto,
  keyId,
  type NewBlock,
  parseDataItem,
  sha256,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import { cpuMsOf } from '../peer-programs/cpu-time.ts'
import { runProgram } from '../peer-programs/program.ts'
import { messageTo } from '../rows/items.ts'

/** What the followed program is told, one after the other. */
type Order =
  | { readonly do: 'open'; readonly folder: string }
  | { readonly do: 'fill'; readonly feeds: number; readonly frames: number; readonly messages: number }
  | { readonly do: 'load'; readonly feeds: number; readonly perSecond: number; readonly seconds: number }

interface Input {
  readonly folder: string
  /** One feed with this many slots, in full frames, is caught up with. */
  readonly catchUp?: { readonly slots: number }
  /** So many feeds are followed while messages come to all of them in turn. */
  readonly follow?: { readonly feeds: number; readonly perSecond: number; readonly seconds: number }
}

const SEED = new Uint8Array(32).fill(5)
const FOLLOWER_SEED = new Uint8Array(32).fill(6)
const MESSAGE_BYTES = 512
const MESSAGES_PER_FRAME = 90
const FILL_TOGETHER = 64
/** Until what a first collection let go of is free. */
const REST_MS = 1_000

installCrypto(nativeCrypto)
const SIGNER = asKeyId(keyId(ed25519PublicKey(SEED)))

function feedOf(nth: number): FeedSpec {
  const process = asProcessId(toBase64Url(sha256(toUtf8(`feed ${nth}`))))
  return { kind: 'messages', process, epoch: 0, signers: [SIGNER], quorum: 1 }
}

const items = Array.from({ length: 512 }, () =>
  messageTo(feedOf(0).process, { Action: 'Add' }, 'x'.repeat(MESSAGE_BYTES)),
)
let made = 0

/** A frame as a scheduler cuts it. */
function frameOf(feed: FeedSpec, index: number, messages: number): NewBlock {
  const firstSlot = index * messages
  const own = Array.from({ length: messages }, () => items[made++ % items.length] ?? new Uint8Array())
  const timestampMs = Date.now()
  const bytes = encodeFrame(
    firstSlot,
    own.map(item => ({ timestampMs, envelopeBytes: encodeEnvelope({ kind: 'item', item }) })),
  )
  const ids = own.map((_, at) => parseDataItem(items[at % items.length] ?? new Uint8Array()).id)
  return { feed, index, bytes, ids: ids as unknown as NewBlock['ids'], firstSlot }
}

/** The program that is followed. */
async function serve(): Promise<void> {
  let log: HypercoreLog | undefined
  const lengths = new Map<number, number>()
  const commit = async (nth: number, messages: number): Promise<void> => {
    const index = lengths.get(nth) ?? 0
    lengths.set(nth, index + 1)
    await log?.commit([frameOf(feedOf(nth), index, messages)])
  }
  const carryOut = async (order: Order): Promise<unknown> => {
    if (order.do === 'open') {
      log = await HypercoreLog.open({ directory: order.folder, keySeed: SEED })
      const network = await Network.open({
        seed: SEED,
        listen: ['/ip4/127.0.0.1/tcp/0'],
        peers: [],
        cipher: nativeFrameCipher,
        trouble: () => undefined,
      })
      await network.feeds.serve(log)
      return network.addresses
    }
    if (order.do === 'fill') {
      for (let at = 0; at < order.feeds * order.frames; at += FILL_TOGETHER) {
        const some = Array.from(
          { length: Math.min(FILL_TOGETHER, order.feeds * order.frames - at) },
          (_, i) => (at + i) % order.feeds,
        )
        if (order.feeds === 1) for (const nth of some) await commit(nth, order.messages)
        else await Promise.all(some.map(nth => commit(nth, order.messages)))
      }
      await log?.drain()
      return true
    }
    const startedMs = Date.now()
    const total = order.perSecond * order.seconds
    for (let sent = 0; sent < total; ) {
      const due = Math.min(total, Math.ceil(((Date.now() - startedMs) * order.perSecond) / 1_000))
      for (; sent < due; sent++) void commit(sent % order.feeds, 1)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    return { elapsedMs: Date.now() - startedMs }
  }
  process.on('message', (order: Order) => void carryOut(order).then(answer => process.send?.({ answer })))
  process.once('disconnect', () => process.exit(0))
}

async function main({ folder, catchUp, follow }: Input): Promise<unknown> {
  await mkdir(folder, { recursive: true })
  const child = fork(fileURLToPath(import.meta.url), ['serve'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const order = (what: Order): Promise<unknown> =>
    new Promise(resolve => {
      child.once('message', message => resolve((message as { answer: unknown }).answer))
      child.send(what)
    })
  const addresses = (await order({ do: 'open', folder: join(folder, 'source') })) as string[]
  const log = await HypercoreLog.open({ directory: join(folder, 'follower'), keySeed: FOLLOWER_SEED })
  const network = await Network.open({
    seed: FOLLOWER_SEED,
    listen: [],
    peers: addresses,
    cipher: nativeFrameCipher,
    trouble: () => undefined,
  })
  const following = new FeedFollowing({
    log,
    links: network.feeds,
    clock: systemClock,
    trouble: (feed, failure) => console.error(feed.process, failure.message),
  })
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone()) await new Promise(resolve => setTimeout(resolve, 5))
  }
  const cpu = (): { source: number; follower: number } => ({
    source: cpuMsOf(child.pid ?? 0) ?? 0,
    follower: cpuMsOf(process.pid) ?? 0,
  })
  /** Memory once all that came is on disk and garbage is collected, as a node at rest does it. */
  const restingBytes = async (): Promise<number> => {
    await log.drain()
    returnMemory()
    await new Promise(resolve => setTimeout(resolve, REST_MS))
    returnMemory()
    return process.memoryUsage.rss()
  }
  try {
    if (catchUp !== undefined) {
      const frames = Math.ceil(catchUp.slots / MESSAGES_PER_FRAME)
      await order({ do: 'fill', feeds: 1, frames, messages: MESSAGES_PER_FRAME })
      let taken = 0
      const before = cpu()
      const startedMs = performance.now()
      using _ = following.follow({
        feed: feedOf(0),
        sources: () => [SIGNER],
        taken: async (_from, blocks) => void (taken += blocks.length),
      })
      await until(() => taken === frames)
      await log.drain()
      const elapsedMs = performance.now() - startedMs
      const after = cpu()
      return {
        slots: frames * MESSAGES_PER_FRAME,
        elapsedMs,
        sourceCpuMs: after.source - before.source,
        followerCpuMs: after.follower - before.follower,
      }
    }
    if (follow === undefined) throw new TypeError('nothing to measure')
    await order({ do: 'fill', feeds: follow.feeds, frames: 1, messages: 1 })
    const unfollowed = await restingBytes()
    let taken = 0
    for (let nth = 0; nth < follow.feeds; nth++) {
      following.follow({
        feed: feedOf(nth),
        sources: () => [SIGNER],
        taken: async (_from, blocks) => void (taken += blocks.length),
      })
    }
    await until(() => taken === follow.feeds)
    const followed = await restingBytes()
    const before = cpu()
    const messages = follow.perSecond * follow.seconds
    await order({ do: 'load', ...follow })
    await until(() => taken === follow.feeds + messages)
    const after = cpu()
    return {
      messages,
      sourceCpuMs: (after.source - before.source) / messages,
      followerCpuMs: (after.follower - before.follower) / messages,
      followingBytes: (followed - unfollowed) / follow.feeds,
      afterLoadBytes: ((await restingBytes()) - unfollowed) / follow.feeds,
    }
  } finally {
    await network[Symbol.asyncDispose]()
    await log[Symbol.asyncDispose]()
    child.kill('SIGKILL')
  }
}

if (process.argv[2] === 'serve') await serve()
else await runProgram(main)
