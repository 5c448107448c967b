import {
  asMessageId,
  ed25519Signer,
  Failure,
  installCrypto,
  sha256,
  toUtf8,
  type TraceView,
} from '../../protocol/index.ts'
import type { AnyContract, AnyImplementation, Duration, Implementation } from '../../contract/index.ts'
import { allocateYoung } from '../../startup/index.ts'
import type { Client, HandedOver, ProcessHandle, ProcessRef, SpawnedProcess } from '../../sdk/index.ts'
import { checkConvergence } from '../checks/convergence.ts'
import { checkingOnce } from './known-signatures.ts'
import { millisecondsOf } from '../duration.ts'
import { checkExactlyOnce } from '../checks/exactly-once.ts'
import { checkFittingStates } from '../checks/fitting-states.ts'
import { faultControls } from './fault-controls.ts'
import { isAgent, ModuleShelf, type SpawnSource } from '../module-shelf.ts'
import { netClient } from '../net-client.ts'
import { netReport } from '../net-report.ts'
import { SimWorld, type SimWorldParts } from './sim-world.ts'
import { END_MS } from './virtual-time.ts'
import { tagsOf } from '../spawn-tags.ts'
import type {
  AgentSpawnOptions,
  HandoverOptions,
  SpawnParameters,
  NetFaults,
  PlainSpawnOptions,
  ProcessName,
  TestNet,
} from '../test-net.ts'

const CRYPTO = checkingOnce()
const SETTLED_MAX_MS = 3_600_000

/** A network of nodes in this program, in virtual time. What it is made of: sim-world.ts. */
export class SimulatedNet implements TestNet {
  readonly simulated = true
  readonly fault: NetFaults
  readonly #parts: SimWorldParts
  readonly #world: SimWorld
  readonly #clients = new Map<string, Client>()
  readonly #modules: ModuleShelf
  readonly #forks: SimulatedNet[] = []
  #closed = false

  private constructor(parts: SimWorldParts, modules: ModuleShelf) {
    this.#parts = parts
    this.#modules = modules
    const world = new SimWorld(parts)
    this.#world = world
    this.fault = faultControls({
      nodes: parts.nodes,
      faults: world.faults,
      homeOf: process => world.homes.get(process),
      crash: name => world.crash(name),
      restart: name => this.#open.restart(name),
      note: text => world.note(text),
    })
  }

  static async open(parts: SimWorldParts, modules = new ModuleShelf()): Promise<SimulatedNet> {
    installCrypto(CRYPTO)
    allocateYoung()
    const net = new SimulatedNet(parts, modules)
    await Promise.all(parts.nodes.map(name => net.#world.restart(name)))
    return net
  }

  /** @throws {Failure} `bad-config` once the network is closed */
  get #open(): SimWorld {
    if (!this.#closed) return this.#world
    throw new Failure(
      'bad-config',
      {},
      { note: 'the network is closed: its test has ended, or a promise of it was not awaited' },
    )
  }

  get seed(): number {
    return this.#parts.seed
  }

  get nodes(): readonly string[] {
    return this.#parts.nodes
  }

  get now(): number {
    return this.#world.time.nowMs
  }

  get fingerprint(): string {
    return this.#world.journal.fingerprint
  }

  get troubles(): TestNet['troubles'] {
    return this.#world.troubles
  }

  client(node: string = this.#world.first): Client {
    const known = this.#clients.get(node)
    if (known !== undefined) return known
    const sim = this.#world.node(node)
    const client = netClient({
      time: this.#world.time,
      random: this.#world.random.stream(`client of ${node}`),
      signer: ed25519Signer(sha256(toUtf8('atoll/testing/user'))),
      node: () => sim.run,
      sent: receipt => this.#world.keepSent(receipt, node),
    })
    this.#clients.set(node, client)
    return client
  }

  spawn<C extends AnyContract>(agent: Implementation<C>, ...options: SpawnParameters<C>): Promise<SpawnedProcess<C>>
  spawn(source: SpawnSource, options?: PlainSpawnOptions): Promise<ProcessHandle>
  async spawn(
    source: SpawnSource | AnyImplementation,
    options: PlainSpawnOptions & Partial<AgentSpawnOptions<AnyContract>> = {},
  ): Promise<ProcessHandle | SpawnedProcess<AnyContract>> {
    const { node = this.#open.first, name, agree, through = node } = options
    const client = this.client(through)
    const keyOf = (unit: string): string => this.#world.node(unit).keys.key
    const computeUnits = options.computeUnits?.map(keyOf)
    const schedulers = (options.schedulers ?? [node]).map(keyOf)
    const outside = <T>(work: Promise<T>): Promise<T> => this.#world.time.hold(work)
    const module = await this.#modules.add(source, {
      node: through,
      client,
      outside,
      modules: options.modules,
    })
    const fields = {
      ...options,
      module,
      schedulers,
      computeUnits,
      computeQuorum: agree,
    }
    const process = isAgent(source)
      ? await client.spawn(source.contract, { ...fields, tags: tagsOf({ tags: options.tags }) })
      : await client.spawn({ ...fields, tags: tagsOf(options) })
    if (name !== undefined) this.#world.names.set(process.id, name)
    if ('spawned' in process && isAgent(source)) await process.spawned?.reply()
    return process
  }

  process(process: ProcessName): ProcessHandle
  process<C extends AnyContract>(contract: C, process: ProcessName): ProcessRef<C>
  process(first: AnyContract | ProcessName, second?: ProcessName): ProcessHandle | ProcessRef<AnyContract> {
    const id = idOf(second ?? (first as ProcessName))
    const client = this.client(this.#world.homeOf(id))
    return typeof first === 'object' && 'kind' in first ? client.process(first, id) : client.process(id)
  }

  async handover(process: ProcessName, to: HandoverOptions): Promise<HandedOver> {
    const { through = to.schedulers[0] ?? this.#open.first, ...fields } = to
    const keysOf = (names: readonly string[]): string[] => names.map(name => this.#world.node(name).keys.key)
    const handed = await this.client(through).processes.handover(idOf(process), {
      ...fields,
      schedulers: keysOf(to.schedulers),
      computeUnits: to.computeUnits && keysOf(to.computeUnits),
    })
    this.#world.homes.set(idOf(process), to.schedulers[0] ?? through)
    return handed
  }

  async advance(by: Duration): Promise<void> {
    const byMs = millisecondsOf(by)
    if (this.now + byMs > END_MS) throw new Failure('bad-config', { by }, { note: 'simulated time ends in 2255' })
    await this.#open.time.advance(byMs)
  }

  async settled(options: { readonly within?: Duration | undefined } = {}): Promise<void> {
    const { time, lastTroubles } = this.#open
    if (await time.quiet(millisecondsOf(options.within ?? SETTLED_MAX_MS))) return
    const note = 'something goes on for ever; what units met last is in the details'
    throw new Failure('timeout', { waits: time.work, troubles: lastTroubles }, { note })
  }

  async heal(): Promise<void> {
    const world = this.#open
    world.note('heal')
    world.faults.heal()
    await Promise.all(this.#down.map(name => world.restart(name)))
  }

  get #down(): readonly string[] {
    return this.nodes.filter(name => this.#world.node(name).run === undefined)
  }

  async expectConverged(): Promise<{ readonly processes: number; readonly slots: number }> {
    await this.settled()
    const down = this.#down
    if (down.length > 0)
      throw new Failure(
        'bad-config',
        { down },
        { note: 'nodes that are down can show nothing: net.heal() starts them' },
      )
    const { time, receipts } = this.#world
    const runs = this.#world.runs()
    await time.during(checkExactlyOnce(runs, receipts))
    const counts = await time.during(checkConvergence(runs))
    await checkFittingStates({
      runs,
      contracts: this.#modules.contracts,
      clientOf: id => this.client(this.#world.homeOf(id)),
    })
    return counts
  }

  async trace(message: string | { readonly id: string }): Promise<TraceView> {
    const id = asMessageId(typeof message === 'string' ? message : message.id)
    for (const { log, name } of this.#world.runs()) {
      for (const { process } of await log.messages.placesOf(id)) {
        if (this.#world.homeOf(process) === name) return this.client(name).trace(id, { process })
      }
    }
    throw new Failure('unknown-message', { message: id })
  }

  async fork(): Promise<TestNet> {
    const { names, homes } = this.#open
    const fork = await SimulatedNet.open(
      {
        ...this.#parts,
        origin: `${this.#parts.origin}/fork ${this.#forks.length + 1}`,
        startMs: this.now,
        logs: await this.#world.disks(),
        names,
        homes,
      },
      new ModuleShelf(this.#modules),
    )
    this.#forks.push(fork)
    return fork
  }

  get events(): readonly string[] {
    return this.#world.journal.last(Number.MAX_SAFE_INTEGER)
  }

  report(): Promise<string> {
    const { journal, receipts, lastTroubles } = this.#world
    const facts = [
      `seed ${this.seed}`,
      `${this.nodes.length} nodes`,
      new Date(this.now).toISOString(),
      `${journal.length} events`,
    ]
    return netReport({
      title: facts.join(', '),
      sent: receipts,
      troubles: lastTroubles,
      journal,
      trace: receipt => this.trace(receipt),
      nameOf: process => this.#world.nameOf(process),
    })
  }

  /** Nothing of it lives outside this program: ended is as good as closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const fork of this.#forks) await fork[Symbol.asyncDispose]()
    this.#world.crashAll()
  }
}

const idOf = (process: ProcessName): string => (typeof process === 'string' ? process : process.id)
