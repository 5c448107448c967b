import { inThreadHosts } from '../../compute-unit/index.ts'
import { EvidenceBook } from '../../evidence/index.ts'
import { createOperations } from '../../gateway/index.ts'
import { type NodeKeys, openUnits, type UnitObserver, type Units } from '../../node/index.ts'
import {
  type CoSigners,
  ed25519Signer,
  type Effects,
  Failure,
  findFrame,
  type KeyId,
  messagesFeed,
  type Operations,
  type Peers,
  resultsFeed,
  type Scheduler,
  type ScheduleRequest,
} from '../../protocol/index.ts'
import { RUNTIMES } from '../../processes/index.ts'
import type { Faults } from './faults.ts'
import { Following } from './following.ts'
import type { MemoryLog } from '../memory/memory-log.ts'
import { between, handoverNet, memoryPeers, shareEvidence } from '../memory/memory-peers.ts'
import type { Network, Station } from './network.ts'
import type { SeededRandom } from './seeded-random.ts'
import { SHARED_RUNTIMES } from './shared-runtimes.ts'
import { SimHandovers } from './sim-handovers.ts'
import type { VirtualClock } from './virtual-clock.ts'
import type { VirtualTime } from './virtual-time.ts'

interface OpenedRun {
  readonly units: Units
  readonly evidence: EvidenceBook
  readonly operations: Operations
  readonly moves: SimHandovers
}

export interface NodeRunParts {
  readonly name: string
  readonly keys: NodeKeys
  readonly log: MemoryLog
  readonly time: VirtualTime
  /** The clock of this life. */
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly network: Network<NodeRun>
  readonly faults: Faults
  readonly others: readonly string[]
  readonly hostPauseUs: readonly [min: number, max: number]
  readonly observer: UnitObserver
  readonly effects: Effects
  nameOf(key: KeyId): string | undefined
}

/**
 * All that is committed is in memory here, and processes run on while the time of the disk stands still: what more is held at hand, or is under way,
 * lives just long enough to cost the engine most.
 */
const BOUNDS = { recentFramesMax: 16, recentReceiptsMax: 256, flightsMax: 4 }

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
const UNCOUNTED = {
  committed: () => undefined,
  evaluated: () => undefined,
  trouble: () => undefined,
  spotChecked: () => undefined,
}

/**
 * One life of a node, from its start to its crash: the units of a node as node/opening/open-units.ts wires them, over a log in
 * memory, hosts in this thread and a clock that the crash stops. Whoever waits inside at that moment waits for ever.
 */
export class NodeRun implements Station {
  readonly name: string
  readonly key: KeyId
  readonly log: MemoryLog
  readonly clock: VirtualClock
  readonly peers: Peers & CoSigners
  #opened: OpenedRun | undefined
  #following: Following | undefined
  #alive = true
  readonly #lost = new Set<() => void>()

  private constructor(parts: NodeRunParts) {
    this.name = parts.name
    this.key = parts.keys.key
    this.log = parts.log
    this.clock = parts.clock
    const { network, others, nameOf } = parts
    this.peers = memoryPeers({ network, self: this, others, nameOf })
  }

  static async open(parts: NodeRunParts): Promise<NodeRun> {
    const run = new NodeRun(parts)
    const { keys, log, random, network, faults, observer } = parts
    log.signWith(keys.seed)
    const pauseUs = parts.hostPauseUs
    const pause = (): Promise<void> => run.clock.sleepUs(random.integer(...pauseUs))
    const evidence = await EvidenceBook.open({
      log,
      clock: run.clock,
      describe: id => log.directory.process(id),
      evaluated: async (process, firstSlot) => {
        const frame = await findFrame(log, messagesFeed(process), firstSlot)
        return frame && log.block(resultsFeed(process, keys.key), frame.index)
      },
      share: ({ bytes }) => shareEvidence({ network, self: run, others: parts.others }, bytes),
      trouble: (what, failure) => observer.trouble?.(what, failure),
    })
    const trouble = (what: string, failure: Failure): void => void (run.#alive && observer.trouble?.(what, failure))
    const { key } = keys
    const moves = new SimHandovers({
      key,
      log,
      clock: run.clock,
      peers: run.peers,
      net: handoverNet({ ...parts, self: run }),
      trouble,
    })
    const { handovers, learned } = moves
    const units = await openUnits(
      {
        handovers,
        learned,
        evidence,
        keys,
        log,
        clock: run.clock,
        logger: SILENT,
        metrics: UNCOUNTED,
        hosts: 1,
        bounds: BOUNDS,
        openHost: inThreadHosts(SHARED_RUNTIMES, pauseUs[1] === 0 ? undefined : pause),
        peers: moves.peers,
        random: () => random.number(),
        effects: {
          key: keys.key,
          signer: ed25519Signer(keys.seed),
          effects: parts.effects,
          allow: ['*'],
        },
        carry: scheduler => carriedTo(scheduler, run, network, faults),
        observer: {
          committed: frames => {
            for (const { process } of frames) run.#following?.committed(process)
            if (run.#alive) observer.committed?.(frames)
          },
          evaluated: frame => run.#alive && observer.evaluated?.(frame),
          trouble,
        },
      },
      () => undefined,
    )
    moves.open(units)
    run.#opened = { units, evidence, moves, operations: operationsOf(run, units, evidence, moves) }
    const following = new Following(run)
    run.#following = following
    handovers.moved = process => following.moved(process)
    return run
  }

  /** Goes on following what is scheduled elsewhere. Call once it is reachable. */
  async resume(): Promise<void> {
    await this.following.resume()
  }

  get units(): Units {
    return this.#open().units
  }

  get evidence(): EvidenceBook {
    return this.#open().evidence
  }

  get moves(): SimHandovers {
    return this.#open().moves
  }

  get operations(): Operations {
    return this.#open().operations
  }

  get following(): Following {
    if (this.#following === undefined) throw new TypeError(`${this.name} is not open yet`)
    return this.#following
  }

  #open(): OpenedRun {
    if (this.#opened === undefined) throw new TypeError(`${this.name} is not open yet`)
    return this.#opened
  }

  get alive(): boolean {
    return this.#alive
  }

  onCrash(lost: () => void): () => void {
    this.#lost.add(lost)
    return () => void this.#lost.delete(lost)
  }

  /** Ends it as `kill -9` would: nothing more is written, sent or answered. */
  crash(): void {
    if (!this.#alive) return
    this.#alive = false
    this.clock[Symbol.dispose]()
    for (const lost of this.#lost) lost()
    this.#lost.clear()
  }
}

/** What clients of a node can ask for; nobody runs it, so it has nothing to tell those who do. */
function operationsOf({ key, clock }: NodeRun, units: Units, evidence: EvidenceBook, moves: SimHandovers): Operations {
  const startedMs = clock.now()
  return createOperations({
    messenger: units.messenger,
    scheduler: units.scheduler,
    computer: units.agreed,
    log: units.reading,
    clock,
    evidence,
    handovers: () => moves.desk,
    nodeInfo: () => ({
      key,
      version: 'simulated',
      units: ['messenger', 'scheduler', 'compute'],
      formats: RUNTIMES.flatMap(({ formats }) => formats),
      startedMs,
    }),
    admin: {
      status: async () => ({}),
      checkpoint: () => units.computer.checkpointAll(),
      backUp: () => Promise.reject(new Failure('bad-config', {}, { note: 'a simulated node has no folder' })),
      shutdown: () => undefined,
    },
  })
}

/** The node's own scheduler as its messenger reaches it: faults may meet what one process here says to another. */
function carriedTo(scheduler: Scheduler, run: NodeRun, network: Network<NodeRun>, faults: Faults): Scheduler {
  const schedule = (requests: readonly ScheduleRequest[]): ReturnType<Scheduler['schedule']> => {
    if (!faults.any) return scheduler.schedule(requests)
    const about = between(requests)
    if (about.from.length === 0) return scheduler.schedule(requests)
    const packet = { fromNode: run.name, toNode: run.name, ...about }
    return network.call(run, packet, `schedule ${requests.length}`, () => scheduler.schedule(requests))
  }
  return {
    key: scheduler.key,
    schedule,
    arm: (process, timers) => scheduler.arm(process, timers),
    monitor: (process, on) => scheduler.monitor(process, on),
  }
}
