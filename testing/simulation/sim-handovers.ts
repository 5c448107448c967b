import {
  type EpochPeers,
  HandoverDesk,
  Handovers,
  LearnedProcesses,
  tellWhoIsBehind,
  type Units,
} from '../../node/index.ts'
import {
  type Clock,
  type CoSigners,
  Failure,
  type FeedPlace,
  type KeyId,
  type Log,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  readEpochItem,
} from '../../protocol/index.ts'

/** Pause before a node that did not hear of a handover is told again. */
const TELL_AGAIN_MS = 1_000

/** Other nodes, as far as it takes to hand processes over. */
export interface HandoverNet extends EpochPeers {
  hold(to: KeyId, item: Uint8Array): Promise<FeedPlace | undefined>
}

export interface SimHandoversParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Peers & CoSigners
  readonly net: HandoverNet
  readonly trouble: (what: string, failure: Failure) => void
}

/** What a simulated node knows of processes that were handed over, and does for owners who hand one over: wired as in node/node.ts. */
export class SimHandovers {
  readonly handovers: Handovers
  readonly learned: LearnedProcesses
  /** The peers of its units: a scheduler that has not heard of a handover to it is told. */
  readonly peers: Peers & CoSigners
  readonly clock: Clock
  readonly #parts: SimHandoversParts
  /** Nodes that are being told of a process again. */
  readonly #insisting = new Set<string>()
  #desk: HandoverDesk | undefined

  constructor(parts: SimHandoversParts) {
    const { key, log, peers, net, trouble } = parts
    this.#parts = parts
    this.clock = workingClock(parts.clock)
    this.learned = new LearnedProcesses({ directory: log.directory, peers, clock: parts.clock })
    const described = (process: ProcessId) => this.learned.spawned(process)
    const insisting = { ...net, tell: (to: KeyId, item: Uint8Array) => this.#tell(to, item) }
    this.handovers = new Handovers({
      key,
      log,
      clock: this.clock,
      describe: described,
      peers: insisting,
      trouble,
    })
    this.learned.met = process => this.handovers.look(process)
    this.peers = tellWhoIsBehind(peers, { handovers: this.handovers, describe: this.describe })
  }

  readonly describe = (process: ProcessId): Promise<ProcessDescription | undefined> => this.learned.process(process)

  /** What it does for owners; call once the units are open. */
  open({ scheduler }: Pick<Units, 'scheduler'>): void {
    const { handovers, describe } = this
    const { net, peers } = this.#parts
    const desk = { connected: net.peers, hold: net.hold, frames: peers.frames }
    this.#desk = new HandoverDesk({ ...this.#parts, scheduler, handovers, describe, peers: desk })
  }

  /** All other nodes. */
  get connected(): readonly KeyId[] {
    return this.#parts.net.peers
  }

  trouble(what: string, failure: Failure): void {
    this.#parts.trouble(what, failure)
  }

  get desk(): HandoverDesk {
    if (this.#desk === undefined) throw new Failure('busy', {}, { note: 'the node is just starting' })
    return this.#desk
  }

  /**
   * Between machines heads are compared, and whoever is behind comes to know; here each node is told until it has heard. The
   * first attempt is what its caller waits for.
   */
  async #tell(to: KeyId, item: Uint8Array): Promise<void> {
    try {
      await this.#parts.net.tell(to, item)
    } catch (error) {
      void this.#insist(to, readEpochItem(item).record.process)
      throw error
    }
  }

  async #insist(to: KeyId, process: ProcessId): Promise<void> {
    const name = `${to} ${process}`
    if (this.#insisting.has(name)) return
    this.#insisting.add(name)
    do await this.clock.sleep(TELL_AGAIN_MS)
    while (!(await this.#hasHeard(to, process)))
    this.#insisting.delete(name)
  }

  /** Tells of all epochs: it may lack earlier ones. What it refuses it need not hear again. */
  async #hasHeard(to: KeyId, process: ProcessId): Promise<boolean> {
    try {
      for (const item of this.handovers.allOf(process)) await this.#parts.net.tell(to, item)
      return true
    } catch (error) {
      return Failure.from(error).blame !== 'transient'
    }
  }
}

/** To wait for what belongs to a handover is work: a network is settled once it is done. */
function workingClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    elapsed: () => clock.elapsed(),
    sleep: (ms, { signal } = {}) => clock.sleep(ms, { signal }),
  }
}
