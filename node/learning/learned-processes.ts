import {
  type Clock,
  decodeEnvelope,
  describeProcess,
  type Directory,
  Failure,
  findByPrincipal,
  type KeyId,
  mayNameProcess,
  type Peers,
  principalText,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { KnownProcesses } from './known-processes.ts'

/** So long nobody is asked again about a process that nobody had. */
const ABSENT_MS = 5_000
const ABSENT_MAX = 10_000

/** Other nodes, as far as spawn messages go. */
export type LearningPeers = Pick<Peers, 'spawnEnvelope' | 'spawnEnvelopeOf' | 'canister'>

/**
 * Processes that live elsewhere, as their own spawn messages prove them. What was learned is added to the directory,
 * ancestors first, so that it is asked for once.
 */
export class LearnedProcesses {
  readonly #directory: Directory
  readonly #peers: LearningPeers
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #asking = new Map<ProcessId, Promise<ProcessDescription | undefined>>()
  /** Ids and principals. */
  readonly #absent = new Map<string, number>()
  /** Called once for a process that nobody knew here: it may have been handed over since it was spawned. */
  met: ((process: ProcessId) => Promise<unknown>) | undefined

  constructor(parts: { directory: Directory; peers: LearningPeers; clock: Pick<Clock, 'elapsed'> }) {
    this.#directory = parts.directory
    this.#peers = parts.peers
    this.#clock = parts.clock
  }

  /** Nothing, if nobody in reach has its spawn message, or what they have proves nothing. @throws {Failure} `unreachable` */
  process(id: ProcessId): Promise<ProcessDescription | undefined> {
    const asking = this.#asking.get(id) ?? this.#learn(id).finally(() => this.#asking.delete(id))
    this.#asking.set(id, asking)
    return asking
  }

  /** The same, of one node that says it has it: nobody else is asked, and what it has not is not remembered as absent. */
  async processOf(node: KeyId, id: ProcessId): Promise<ProcessDescription | undefined> {
    const known = await this.#directory.process(id)
    if (known !== undefined) return known
    return this.#prove(id, process => this.#peers.spawnEnvelopeOf(node, process))
  }

  /** The process that a principal names, in the same way; nothing too, if nobody can be asked. */
  async canister(principal: Uint8Array): Promise<ProcessDescription | undefined> {
    // Clients ask for canisters that are well known elsewhere: no node has them.
    if (!mayNameProcess(principal)) return undefined
    const known = await findByPrincipal(this.#directory, principal)
    const name = principalText(principal)
    if (known !== undefined || this.#isAbsent(name)) return known
    const envelope = await this.#peers.canister(principal).catch(outOfReach)
    if (envelope === undefined) return this.#remember(name)
    const { id } = describeProcess(decodeEnvelope(envelope))
    return this.#prove(id, async process => (process === id ? envelope : this.#peers.spawnEnvelope(process)))
  }

  async #learn(id: ProcessId): Promise<ProcessDescription | undefined> {
    const isNew = (await this.#directory.process(id)) === undefined
    const learned = await this.spawned(id)
    if (!isNew || learned === undefined || this.met === undefined) return learned
    await this.met(id)
    return (await this.#directory.process(id)) ?? learned
  }

  /** The same, without a look whether it was handed over: for whoever looks. */
  async spawned(id: ProcessId): Promise<ProcessDescription | undefined> {
    const known = await this.#directory.process(id)
    if (known !== undefined || this.#isAbsent(id)) return known
    const learned = await this.#prove(id, process => this.#peers.spawnEnvelope(process))
    return learned ?? this.#remember(id)
  }

  async #prove(
    id: ProcessId,
    ask: (process: ProcessId) => Promise<Uint8Array | undefined>,
  ): Promise<ProcessDescription | undefined> {
    const envelopes = new Map<ProcessId, Uint8Array>()
    const processes = new KnownProcesses({
      epochItems: async process => this.#directory.epochItems(process),
      spawnEnvelope: async process => {
        const here = await this.#directory.spawnEnvelope(process)
        if (here !== undefined) return here
        const there = await ask(process)
        if (there !== undefined) envelopes.set(process, there)
        return there
      },
    })
    const learned = await processes.process(id).catch(notProven)
    if (learned === undefined) return undefined
    for (const [process, envelope] of [...envelopes].reverse()) {
      const description = await processes.process(process)
      if (description !== undefined) await this.#directory.addProcess(description, envelope)
    }
    return learned
  }

  #isAbsent(name: string): boolean {
    return this.#clock.elapsed() < (this.#absent.get(name) ?? 0)
  }

  #remember(name: string): undefined {
    if (this.#absent.size >= ABSENT_MAX) this.#absent.clear()
    this.#absent.set(name, this.#clock.elapsed() + ABSENT_MS)
  }
}

function outOfReach(error: unknown): undefined {
  if (!Failure.is(error) || error.blame !== 'transient') throw error
}

/** A spawn message that does not hold is as good as none. @throws when the way to it failed */
function notProven(error: unknown): undefined {
  if (Failure.is(error) && error.blame === 'transient') throw error
  return undefined
}
