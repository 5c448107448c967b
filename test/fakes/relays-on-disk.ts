import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HypercoreLog } from '../../log/index.ts'
import { type AtollNode, createNode, standardModules } from '../../node/index.ts'
import {
  decodeFrame,
  Failure,
  messagesFeed,
  type NewBlock,
  type ProcessId,
  type Push,
  type Receipt,
  type Slot,
} from '../../protocol/index.ts'
import { FaultyFiles } from './faulty-files.ts'
import { messageItem, moduleItem, spawnItem } from './signed-items.ts'

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Where a push stands in a feed. */
export interface Standing {
  readonly slot: Slot
  readonly push: Push
}

/** A node with two relays, over a journal whose disk can be held still and can fail. */
export class RelaysOnDisk implements AsyncDisposable {
  readonly node: AtollNode
  readonly log: HypercoreLog
  readonly files: FaultyFiles
  readonly data: string
  readonly a: ProcessId
  readonly b: ProcessId
  /** Blocks that the log was given to make durable, in order. */
  readonly given: NewBlock[]

  private constructor(parts: Pick<RelaysOnDisk, 'node' | 'log' | 'files' | 'data' | 'a' | 'b' | 'given'>) {
    this.node = parts.node
    this.log = parts.log
    this.files = parts.files
    this.data = parts.data
    this.a = parts.a
    this.b = parts.b
    this.given = parts.given
  }

  /** The relays are with their host: what is pushed between them may run ahead of the disk. */
  static async open(): Promise<RelaysOnDisk> {
    const data = await mkdtemp(join(tmpdir(), 'atoll-test-'))
    const files = new FaultyFiles()
    const given: NewBlock[] = []
    let log: HypercoreLog | undefined
    const node = await createNode({
      data,
      hosts: 1,
      logger: SILENT,
      openLog: async ({ seed }) => {
        log = await HypercoreLog.open({ directory: join(data, 'log'), keySeed: seed, files })
        const commit = log.commit.bind(log)
        log.commit = (blocks, commitment) => {
          given.push(...blocks)
          return commit(blocks, commitment)
        }
        return log
      },
    })
    if (log === undefined) throw new TypeError('expected a log')
    const relay = (await standardModules()).find(({ name }) => name === 'relay')
    if (relay === undefined) throw new TypeError('no relay')
    const module = moduleItem(relay.wasm, relay.tags)
    await node.messenger.submit([module.bytes])
    const ids: ProcessId[] = []
    for (let i = 0; i < 2; i++) ids.push((await handIn(node, spawnItem(module.id, node.key))).process)
    const [a, b] = ids
    if (a === undefined || b === undefined) throw new TypeError('expected two relays')
    const relays = new RelaysOnDisk({ node, log, files, data, a, b, given })
    await relays.settled(await relays.start(4))
    return relays
  }

  /** Has the relays push a message back and forth, `hops` times. @throws what the first message met */
  start(hops: number): Promise<Receipt> {
    return handIn(this.node, messageItem(this.a, { tags: { Action: 'Start', Peer: this.b, Rounds: String(hops) } }))
  }

  async settled({ id }: Receipt): Promise<void> {
    await this.node.messenger.trace(id, { settled: true, timeoutMs: 120_000 })
  }

  async length(process: ProcessId): Promise<number> {
    return this.log.length(await this.feed(process))
  }

  async feed(process: ProcessId): Promise<ReturnType<typeof messagesFeed>> {
    const description = await this.log.directory.process(process)
    if (description === undefined) throw new TypeError('expected a process')
    return messagesFeed(description)
  }

  /** The pushes in a feed, in slot order; its frames must follow each other without gaps. */
  async pushes(process: ProcessId): Promise<Standing[]> {
    const pushes: Standing[] = []
    let slot = 0
    for await (const bytes of this.log.blocks(await this.feed(process), 0)) {
      const { firstSlot, assignments } = decodeFrame(bytes)
      if (firstSlot !== slot) throw new Error(`expected slot ${slot}, got ${firstSlot}`)
      for (const { envelope } of assignments) {
        if (envelope.kind === 'push') pushes.push({ slot, push: envelope.push })
        slot += 1
      }
    }
    return pushes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.files.release()
    await this.node[Symbol.asyncDispose]()
    await rm(this.data, { recursive: true, force: true })
  }
}

async function handIn(node: AtollNode, item: { readonly bytes: Uint8Array }): Promise<Receipt> {
  const [taken] = await node.messenger.submit([item.bytes])
  if (taken instanceof Failure) throw taken
  if (taken === undefined || 'module' in taken) throw new TypeError('expected a receipt')
  return taken
}
