import type { AnyContract, AnyImplementation, Duration, Implementation } from '../contract/index.ts'
import { nativeCrypto } from '../node/index.ts'
import { ed25519Signer, Failure, generateEd25519Seed, installCrypto, type TraceView } from '../protocol/index.ts'
import {
  type Client,
  connect,
  type HandedOver,
  type ProcessHandle,
  type ProcessRef,
  type SpawnedProcess,
} from '../sdk/index.ts'
import { millisecondsOf } from './duration.ts'
import { isAgent, ModuleShelf, type SpawnSource } from './module-shelf.ts'
import { tagsOf } from './spawn-tags.ts'
import type {
  AgentSpawnOptions,
  SpawnParameters,
  NetFaults,
  PlainSpawnOptions,
  ProcessName,
  TestNet,
} from './test-net.ts'

const NODE = 'live'

/** A node that runs somewhere, for the same tests. What only a simulation can do fails and says so. */
export class LiveNet implements TestNet {
  readonly simulated = false
  readonly nodes = [NODE]
  readonly seed: number
  readonly fingerprint = ''
  readonly events: readonly string[] = []
  readonly troubles = []
  readonly fault: NetFaults = {
    crash: () => refuse('fault.crash'),
    restart: async () => refuse('fault.restart'),
    partition: () => refuse('fault.partition'),
    drop: () => refuse('fault.drop'),
    duplicate: () => refuse('fault.duplicate'),
    delay: () => refuse('fault.delay'),
  }
  readonly #client: Client
  readonly #modules = new ModuleShelf()
  readonly #spawned: { readonly id: string }[] = []

  constructor(url: string, seed: number) {
    installCrypto(nativeCrypto)
    this.seed = seed
    this.#client = connect({ url, signer: ed25519Signer(generateEd25519Seed()) })
  }

  get now(): number {
    return Date.now()
  }

  client(): Client {
    return this.#client
  }

  spawn<C extends AnyContract>(agent: Implementation<C>, ...options: SpawnParameters<C>): Promise<SpawnedProcess<C>>
  spawn(source: SpawnSource, options?: PlainSpawnOptions): Promise<ProcessHandle>
  async spawn(
    source: SpawnSource | AnyImplementation,
    options: PlainSpawnOptions & Partial<AgentSpawnOptions<AnyContract>> = {},
  ): Promise<ProcessHandle | SpawnedProcess<AnyContract>> {
    const client = this.#client
    const outside = <T>(work: Promise<T>): Promise<T> => work
    const module = await this.#modules.add(source, {
      node: NODE,
      client,
      outside,
      modules: options.modules,
    })
    // All of its processes live on that one node.
    const fields = { ...options, module, schedulers: undefined, schedulerQuorum: undefined, computeUnits: undefined }
    const process = isAgent(source)
      ? await client.spawn(source.contract, { ...fields, tags: tagsOf({ tags: options.tags }) })
      : await client.spawn({ ...fields, tags: tagsOf(options) })
    if (process.spawned !== undefined) this.#spawned.push(process.spawned)
    if (isAgent(source)) await process.spawned?.reply()
    return process
  }

  process(process: ProcessName): ProcessHandle
  process<C extends AnyContract>(contract: C, process: ProcessName): ProcessRef<C>
  process(first: AnyContract | ProcessName, second?: ProcessName): ProcessHandle | ProcessRef<AnyContract> {
    const name = second ?? (first as ProcessName)
    const id = typeof name === 'string' ? name : name.id
    return typeof first === 'object' && 'kind' in first ? this.#client.process(first, id) : this.#client.process(id)
  }

  async handover(): Promise<HandedOver> {
    return refuse('handover')
  }

  async advance(_by: Duration): Promise<void> {
    refuse('advance')
  }

  /** Waits for what was spawned here; what was sent is waited for by its own `settled()`. */
  async settled(options: { readonly within?: Duration | undefined } = {}): Promise<void> {
    const timeoutMs = options.within === undefined ? undefined : millisecondsOf(options.within)
    for (const { id } of this.#spawned) await this.#client.settled(id, { timeoutMs })
  }

  async heal(): Promise<void> {}

  async expectConverged(): Promise<{ readonly processes: number; readonly slots: number }> {
    return refuse('expectConverged')
  }

  trace(message: string | { readonly id: string }): Promise<TraceView> {
    return this.#client.trace(typeof message === 'string' ? message : message.id)
  }

  async fork(): Promise<TestNet> {
    return refuse('fork')
  }

  async report(): Promise<string> {
    return 'a live node: its own log says what happened'
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function refuse(call: string): never {
  const note = 'only a simulated network can do that: run this test without ATOLL_TEST_URL, or ask net.simulated first'
  throw new Failure('bad-config', { call }, { note })
}
