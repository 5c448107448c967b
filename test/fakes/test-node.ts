import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AtollNode, createNode, type EffectOptions, standardModules } from '../../node/index.ts'
import {
  type Clock,
  Failure,
  type Log,
  type ModuleId,
  parseDataItem,
  type ProcessId,
  type Receipt,
  type Result,
  type Tag,
} from '../../protocol/index.ts'
import { MemoryLog } from './memory-log.ts'
import { messageItem, moduleItem, spawnItem } from './signed-items.ts'

interface TestNodeOptions extends EffectOptions {
  readonly log?: MemoryLog
  /** Folder of the keys: with the same folder a node has the same name. */
  readonly data?: string
  readonly clock?: Clock
  readonly hosts?: number
  /** Where the gateway listens; without it there is none. */
  readonly port?: number
  readonly residentBytes?: number
  readonly signerRate?: number
  readonly wasmer?: boolean
}

type Tags = Readonly<Record<string, string>>

/** A host that has to start anew takes longer than a client would wait, on a busy machine. */
const RESULT = { timeoutMs: 240_000 }
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** A node in this program over a log in memory, and short ways to use it. */
export class TestNode implements AsyncDisposable {
  readonly node: AtollNode
  readonly log: MemoryLog
  readonly data: string
  /** What went wrong and was tried again. */
  readonly troubles: string[]

  private constructor(parts: {
    node: AtollNode
    log: MemoryLog
    data: string
    troubles: string[]
  }) {
    this.node = parts.node
    this.log = parts.log
    this.data = parts.data
    this.troubles = parts.troubles
  }

  static async open({ log = MemoryLog.open(), data, ...options }: TestNodeOptions = {}): Promise<TestNode> {
    const folder = data ?? (await mkdtemp(join(tmpdir(), 'atoll-test-')))
    const troubles: string[] = []
    const warn = (facts: object, text: string): void => void troubles.push(`${text} ${JSON.stringify(facts)}`)
    const logger = { ...SILENT, warn, error: warn }
    const node = await createNode({
      data: folder,
      hosts: 1,
      logger,
      ...options,
      openLog: async ({ seed }) => {
        if (log instanceof MemoryLog) log.signWith(seed)
        return log
      },
    })
    return new TestNode({ node, log, data: folder, troubles })
  }

  /** Hands in one item. @throws the failure it met */
  async submit(item: { readonly bytes: Uint8Array }): Promise<Receipt> {
    const [taken] = await this.node.messenger.submit([item.bytes])
    if (taken instanceof Failure) throw taken
    if (taken === undefined || 'module' in taken) throw new TypeError('expected a receipt')
    return taken
  }

  async addModule(wasm: Uint8Array, tags: readonly Tag[]): Promise<ModuleId> {
    const [taken] = await this.node.messenger.submit([moduleItem(wasm, tags).bytes])
    if (taken instanceof Failure) throw taken
    if (taken === undefined || !('module' in taken)) throw new TypeError('expected a module')
    return taken.module
  }

  async addStandard(name: 'counter' | 'ledger' | 'registry' | 'relay'): Promise<ModuleId> {
    const found = (await standardModules()).find(one => one.name === name)
    if (found === undefined) throw new TypeError(`no standard module ${name}`)
    return this.addModule(found.wasm, found.tags)
  }

  async spawn(module: ModuleId, tags: Tags = {}): Promise<ProcessId> {
    return (await this.submit(spawnItem(module, this.node.key, { tags }))).process
  }

  send(target: ProcessId, tags: Tags = {}, data: string | Uint8Array = ''): Promise<Receipt> {
    return this.submit(messageItem(target, { tags, data }))
  }

  result({ process, slot }: Pick<Receipt, 'process' | 'slot'>): Promise<Result> {
    return this.node.computer.result(process, slot, RESULT)
  }

  /** Sends and waits for the result. */
  async ask(target: ProcessId, tags: Tags = {}, data: string | Uint8Array = ''): Promise<Result> {
    return this.result(await this.send(target, tags, data))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]()
    await rm(this.data, { recursive: true, force: true })
  }
}

/** What stands on disk after a crash of the node with this log: feeds and directory, but no results and no caches. */
export async function crashed(log: MemoryLog): Promise<MemoryLog> {
  const next = MemoryLog.open({ from: log })
  await copyDirectory(log, next)
  return next
}

/** Copies all modules and processes. */
export async function copyDirectory(from: Log, to: Log): Promise<void> {
  for (const { id } of await from.directory.modules({ limit: 10_000 })) {
    const item = await from.directory.moduleItem(id)
    if (item !== undefined) await to.directory.addModule(parseDataItem(item))
  }
  for (const description of await from.directory.processes({ limit: 10_000 })) {
    const envelope = await from.directory.spawnEnvelope(description.id)
    if (envelope !== undefined) await to.directory.addProcess(description, envelope)
  }
}

/** Text of an output. */
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
