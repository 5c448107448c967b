import type { EffectCall, Failure, Tag, TraceView } from '../protocol/index.ts'
import type { Client, HandedOver, ProcessHandle, ProcessRef, SpawnedProcess } from '../sdk/index.ts'
import type {
  AnyContract,
  AnyImplementation,
  ArgsField,
  Duration,
  EffectInput,
  EffectName,
  EffectReply,
  Implementation,
} from '../contract/index.ts'
import type { SpawnSource } from './module-shelf.ts'

/** How a network for a test is made. */
export interface TestNetOptions {
  /** All that looks like chance follows from it; `ATOLL_SEED` comes before it. 1, if neither is given. */
  readonly seed?: number | undefined
  /** How many nodes, or their names; one, if not given. They are called n1, n2, … */
  readonly nodes?: number | readonly string[] | undefined
  /** What a packet between two nodes takes, one way: from and to. */
  readonly latency?: readonly [Duration, Duration] | undefined
  /** What a write takes to become durable, and once more until that is known. */
  readonly disk?: readonly [Duration, Duration] | undefined
  /** What the messenger units do outside the network: functions of the test, by the name of the effect. */
  readonly effects?: TestEffects | undefined
  /** What a compute host takes for an answer; nothing, if not given. */
  readonly hosts?: readonly [Duration, Duration] | undefined
}

/** What the world answers to a process of a test; nothing answered is an effect that failed to say anything. */
export type TestEffects = {
  readonly [K in EffectName]?: (input: EffectInput<K>, call: EffectCall) => Promise<EffectReply<K> | undefined>
} & {
  /** Effects of one's own: their input is what the process gave. */
  readonly [name: string]: ((input: never, call: EffectCall) => Promise<unknown>) | undefined
}

export interface SpawnOptions {
  /** The node that schedules and evaluates it; the first, if not given. */
  readonly node?: string | undefined
  /** Nodes that schedule it together, in this order; `node` alone, if not given. */
  readonly schedulers?: readonly string[] | undefined
  /** How many of them must sign; more than half, if not given. */
  readonly schedulerQuorum?: number | undefined
  /** Nodes whose word counts as its own; the one that schedules it, if not given. */
  readonly computeUnits?: readonly string[] | undefined
  /** How many of them must agree; one, if not given. */
  readonly agree?: number | undefined
  /** The node through which it is spawned and spoken to; the one that schedules it, if not given. */
  readonly through?: string | undefined
  /** Its Name tag, and what it is called in reports. */
  readonly name?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | readonly Tag[] | undefined
}

export interface PlainSpawnOptions extends SpawnOptions {
  readonly data?: Uint8Array | string | undefined
}

/** What is said of a new agent; `modules` are the programs of the contracts that it spawns, by their names. */
export type AgentSpawnOptions<C extends AnyContract> = SpawnOptions &
  ArgsField<C> & { readonly modules?: Readonly<Record<string, AnyImplementation>> | undefined }

/** They may be left out if there is nothing to say. */
export type SpawnParameters<C extends AnyContract> =
  Record<never, never> extends AgentSpawnOptions<C> ? [options?: AgentSpawnOptions<C>] : [options: AgentSpawnOptions<C>]

/** To which nodes a process goes. */
export interface HandoverOptions {
  readonly schedulers: readonly string[]
  /** How many of them must sign; more than half, if not given. */
  readonly schedulerQuorum?: number | undefined
  /** Those of now, if not given; where those are its schedulers, the new ones. */
  readonly computeUnits?: readonly string[] | undefined
  readonly agree?: number | undefined
  /** Hands over though its schedulers do not say where their feed ends: what they acknowledged lately may be lost. */
  readonly allowLoss?: boolean | undefined
  /** The node through which it is done; the first of its new schedulers, if not given. */
  readonly through?: string | undefined
}

/** Something with the id of a process. */
export type ProcessName = string | { readonly id: string }

/** Which packets a fault meets. */
export interface FaultTarget {
  /** A node or a process that they go to. */
  readonly to?: ProcessName | undefined
  readonly from?: ProcessName | undefined
  /** From 0 to 1; each one, if not given. */
  readonly p?: number | undefined
}

/** What can be made to go wrong. Node names are those of the network; a process stands for the node it lives on. */
export interface NetFaults {
  /** Ends nodes at once, as `kill -9` and a power loss would: what was committed is kept. */
  crash(...nodes: readonly ProcessName[]): void
  /** Starts nodes again, from what is on their disks. */
  restart(...nodes: readonly ProcessName[]): Promise<void>
  /** Packets between nodes of different groups are lost. */
  partition(...groups: readonly (readonly string[])[]): void
  /** Packets are lost, or their answers are. */
  drop(target?: FaultTarget): void
  /** Packets arrive twice. */
  duplicate(target?: FaultTarget): void
  /** Packets take this much longer. */
  delay(by: Duration, target?: FaultTarget): void
}

/** A network for a test: simulated in this program, or a live node that is reached by its URL. */
export interface TestNet extends AsyncDisposable {
  /** Whether time is virtual and faults can be made. */
  readonly simulated: boolean
  readonly seed: number
  readonly nodes: readonly string[]
  /** Milliseconds since 1970, in the time of the network. */
  readonly now: number
  readonly fault: NetFaults
  /** A client of one node; of the first, if none is named. */
  client(node?: string): Client
  /**
   * Makes a process of an agent, bundled from the file in which it was made (its default export); resolves when the
   * agent's `init` has run. @throws {Failure} `bad-program`, `process-error`
   */
  spawn<C extends AnyContract>(agent: Implementation<C>, ...options: SpawnParameters<C>): Promise<SpawnedProcess<C>>
  /** Makes a process; resolves when its spawn message is durable. */
  spawn(source: SpawnSource, options?: PlainSpawnOptions): Promise<ProcessHandle>
  /** A process by its id, through the node it lives on. */
  process(id: ProcessName): ProcessHandle
  process<C extends AnyContract>(contract: C, id: ProcessName): ProcessRef<C>
  /**
   * Hands a process over to other nodes, as its owner: they schedule it from now on, and it keeps slots, state and receipts.
   * Each attempt may fail while nodes are down or cut off. @throws {Failure} `no-quorum`, `unreachable`, `bad-epoch`
   */
  handover(process: ProcessName, to: HandoverOptions): Promise<HandedOver>
  /** Lets that much time pass: timers fire, in order. */
  advance(by: Duration): Promise<void>
  /** Waits until nothing is under way but timers. @throws {Failure} `timeout` after `within` (1 hour) of the network's time */
  settled(options?: { readonly within?: Duration | undefined }): Promise<void>
  /** Ends all faults and starts again whoever is down. */
  heal(): Promise<void>
  /**
   * Waits until all is settled; then every message between processes must have taken effect exactly once and in order,
   * no timer twice, every receipt must hold; and every node evaluates every feed by itself, and all must come to the same.
   * The states of agents must be such as their contracts take.
   * @throws {Failure} `verification-failed`
   */
  expectConverged(): Promise<{ readonly processes: number; readonly slots: number }>
  /** A message and all that it caused, on whatever nodes. */
  trace(message: string | { readonly id: string }): Promise<TraceView>
  /** The whole network once more, as its disks are now; the two go on apart. The copy ends with this one. */
  fork(): Promise<TestNet>
  /** Seed, what happened last, and the trees of the last messages: what somebody needs who sees a test fail. */
  report(): Promise<string>
  /** What happened last, some thousands of lines: milliseconds, node, event. */
  readonly events: readonly string[]
  /** The same for two runs in which the same happened in the same order. */
  readonly fingerprint: string
  /** What units met and tried again. */
  readonly troubles: readonly {
    readonly node: string
    readonly what: string
    readonly failure: Failure
  }[]
}
