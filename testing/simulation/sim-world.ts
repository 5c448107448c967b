import type { UnitObserver } from '../../node/index.ts'
import { type Effects, Failure, type KeyId, type Receipt } from '../../protocol/index.ts'
import { compileSooner } from '../../startup/index.ts'
import { Faults } from './faults.ts'
import { Journal } from './journal.ts'
import { MemoryLog } from '../memory/memory-log.ts'
import { Network } from './network.ts'
import { nodeKeys } from './node-keys.ts'
import type { NodeRun } from './node-run.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimNode } from './sim-node.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { START_MS, VirtualTime } from './virtual-time.ts'

type Span = readonly [min: number, max: number]

/** Options with nothing left open. */
export interface SimWorldParts {
  readonly seed: number
  /** Where the streams of chance begin: the seed, and for a copy also which copy it is. */
  readonly origin: string
  readonly nodes: readonly string[]
  readonly latencyUs: Span
  readonly diskUs: Span
  readonly hostPauseUs: Span
  readonly effects: Effects
  readonly startMs?: number | undefined
  /** What is on the disks at the start. */
  readonly logs?: ReadonlyMap<string, MemoryLog> | undefined
  readonly names?: ReadonlyMap<string, string> | undefined
  readonly homes?: ReadonlyMap<string, string> | undefined
}

const RECEIPTS_MAX = 20_000
const TROUBLES_MAX = 1_000
/** A simulation of so many frames is a long one: most tests end before. */
const LONG_FRAMES = 4_000
const ID_CHARACTERS = 43

/** Nodes, the network between them, time and chance; and a journal of what happens. */
export class SimWorld {
  readonly time: VirtualTime
  readonly random: SeededRandom
  readonly faults: Faults
  readonly journal: Journal
  readonly troubles: { node: string; what: string; failure: Failure }[] = []
  /** What clients were promised, the last of it. */
  readonly receipts: Receipt[] = []
  /** What processes are called in reports. */
  readonly names: Map<string, string>
  readonly #parts: SimWorldParts
  readonly #nodes = new Map<string, SimNode>()
  #frames = 0
  /** On which node a process was seen. */
  readonly homes: Map<string, string>

  constructor(parts: SimWorldParts) {
    this.#parts = parts
    this.time = new VirtualTime(parts.startMs)
    this.random = new SeededRandom(parts.origin)
    this.faults = new Faults(this.random.stream('faults'))
    this.names = new Map(parts.names)
    this.homes = new Map(parts.homes)
    this.journal = new Journal({ startUs: START_MS * 1000, nameOf: process => this.nameOf(process) })
    const network = new Network<NodeRun>({
      faults: this.faults,
      random: this.random.stream('network'),
      latencyUs: parts.latencyUs,
      station: name => this.#nodes.get(name)?.run,
      sees: ({ fromNode, toNode }, what, fate) => this.note(`${fromNode} → ${toNode}: ${what} ${fate}`),
    })
    for (const name of parts.nodes) this.#nodes.set(name, this.#makeNode(name, network))
  }

  /** The first node. */
  get first(): string {
    return this.#parts.nodes[0] ?? ''
  }

  /** The last things that units met and tried again, for people. */
  get lastTroubles(): string[] {
    return this.troubles.slice(-5).map(({ node, what, failure }) => `${node}: ${what}: ${failure.message}`)
  }

  crashAll(): void {
    for (const node of this.#nodes.values()) node.crash()
  }

  /** What is on the disks now. */
  async disks(): Promise<Map<string, MemoryLog>> {
    const disks = new Map<string, MemoryLog>()
    for (const [name, node] of this.#nodes) disks.set(name, await node.disk())
    return disks
  }

  crash(name: string): void {
    this.note(`crash ${name}`)
    this.node(name).crash()
  }

  async restart(name: string): Promise<void> {
    this.note(`start ${name}`)
    const node = this.node(name)
    await this.time.during(node.start())
  }

  note(text: string): void {
    this.journal.write(this.time.nowUs, text)
  }

  /** What a client sent through a node, if its answer is a receipt. */
  keepSent(answer: unknown, node: string): void {
    if (!isReceipt(answer)) return
    if (!this.homes.has(answer.process)) this.homes.set(answer.process, node)
    this.receipts.push(answer)
    if (this.receipts.length > RECEIPTS_MAX) this.receipts.shift()
  }

  runs(): NodeRun[] {
    return [...this.#nodes.values()].flatMap(({ run }) => (run === undefined ? [] : [run]))
  }

  node(name: string): SimNode {
    const node = this.#nodes.get(name)
    if (node === undefined)
      throw new Failure('bad-config', { node: name, nodes: [...this.#nodes.keys()] }, { note: 'no such node' })
    return node
  }

  /** The node a process lives on, as far as anybody saw it; the first node for one that nobody saw. */
  homeOf(process: string): string {
    return this.homes.get(process) ?? this.first
  }

  nameOf(process: string): string {
    return this.names.get(process) ?? (process.length === ID_CHARACTERS ? `${process.slice(0, 6)}…` : process)
  }

  #makeNode(name: string, network: Network<NodeRun>): SimNode {
    const random = this.random.stream(name)
    const disk = random.stream('disk')
    const { diskUs, hostPauseUs, nodes, logs, effects } = this.#parts
    const pauseOn = (clock: VirtualClock) => () => clock.sleepUs(disk.integer(...diskUs))
    return new SimNode({
      name,
      keys: nodeKeys(name),
      time: this.time,
      random: random.stream('units'),
      crashes: random.stream('crashes'),
      network,
      faults: this.faults,
      effects: heldStill(effects, this.time),
      others: nodes.filter(other => other !== name),
      hostPauseUs,
      observer: this.#observer(name),
      nameOf: key => this.#nameOfKey(key),
      log: logs?.get(name) ?? MemoryLog.open(),
      pauseOn,
    })
  }

  #observer(name: string): UnitObserver {
    return {
      committed: frames => {
        for (const { process, index, ids } of frames) {
          if (++this.#frames === LONG_FRAMES) compileSooner()
          this.homes.set(process.id, name)
          this.journal.committed(this.time.nowUs, name, process.id, index, ids.length)
        }
      },
      evaluated: ({ process, index, certificate }) =>
        this.journal.evaluated(this.time.nowUs, name, process.id, index, certificate),
      trouble: (what, failure) => {
        this.note(`${name}: trouble: ${what}: ${failure.code}`)
        if (this.troubles.length < TROUBLES_MAX) this.troubles.push({ node: name, what, failure })
      },
    }
  }

  #nameOfKey(key: KeyId): string | undefined {
    for (const [name, { keys }] of this.#nodes) if (keys.key === key) return name
    return undefined
  }
}

/** What the test does for an effect takes no time. */
function heldStill(effects: Effects, time: VirtualTime): Effects {
  const held = Object.entries(effects).map(([name, perform]): [string, Effects[string]] => [
    name,
    (input, context) => time.hold((async () => perform(input, context))()),
  ])
  return Object.fromEntries(held)
}

const isReceipt = (answer: unknown): answer is Receipt =>
  typeof answer === 'object' && answer !== null && 'slot' in answer && 'process' in answer
