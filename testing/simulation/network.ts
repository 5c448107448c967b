import { Failure } from '../../protocol/index.ts'
import type { Faults, Packet } from './faults.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** A running node, as the network sees it; after a crash its name has another. */
export interface Station {
  readonly name: string
  readonly clock: VirtualClock
  readonly alive: boolean
  /** Calls `lost` should it crash; gives what takes that back. */
  onCrash(lost: () => void): () => void
}

export interface NetworkParts<S extends Station> {
  readonly faults: Faults
  readonly random: SeededRandom
  readonly latencyUs: readonly [min: number, max: number]
  /** The node of that name, if it is up. */
  station(name: string): S | undefined
  /** Sees each packet, with what became of it. */
  sees(packet: Packet, what: string, fate: 'arrives' | 'is dropped' | 'is doubled'): void
}

/** Whoever hears nothing for this long takes it that nothing will come. */
const SILENCE_US = 2_000_000

/** Calls between nodes: each way takes its time, and may be dropped, doubled or delayed. */
export class Network<S extends Station> {
  readonly #parts: NetworkParts<S>

  constructor(parts: NetworkParts<S>) {
    this.#parts = parts
  }

  /**
   * Has `serve` done at the node that the packet is for. `what` names it for those who watch.
   * @throws {Failure} `unreachable` if the packet or its answer was lost, though it may have been done; what `serve` throws
   */
  async call<T>(caller: Station, packet: Packet, what: string, serve: (station: S) => Promise<T>): Promise<T> {
    const { faults } = this.#parts
    const there = faults.fateOf(packet)
    this.#parts.sees(packet, what, there.dropped ? 'is dropped' : there.duplicated ? 'is doubled' : 'arrives')
    if (there.dropped) return this.#silence(caller, packet)
    if (there.duplicated) void this.#deliverAgain(caller, packet, serve)
    await this.#travel(caller, packet, there.delayUs)
    const station = this.#parts.station(packet.toNode)
    if (station === undefined) throw unreachable(packet)
    const answer = await this.#served(caller, station, packet, serve)
    const back = faults.fateOf({
      fromNode: packet.toNode,
      toNode: packet.fromNode,
      from: packet.to,
      to: [],
    })
    if (back.dropped) return this.#silence(caller, packet)
    await this.#travel(caller, packet, back.delayUs)
    return answer
  }

  /** Time on the way; between processes of one node there is none. */
  async #travel(caller: Station, { fromNode, toNode }: Packet, delayUs: number): Promise<void> {
    const { random, latencyUs } = this.#parts
    const us = delayUs + (fromNode === toNode ? 0 : random.integer(...latencyUs))
    if (us > 0) await caller.clock.sleepUs(us)
  }

  /** A node that crashes meanwhile gives no answer. */
  #served<T>(caller: Station, station: S, packet: Packet, serve: (station: S) => Promise<T>): Promise<T> {
    if (caller === station) return serve(station)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const off = station.onCrash(() => reject(unreachable(packet)))
    serve(station).then(resolve, reject).finally(off)
    return promise
  }

  /** The same packet once more, a little later; nobody hears its answer. */
  async #deliverAgain(caller: Station, packet: Packet, serve: (station: S) => Promise<unknown>): Promise<void> {
    const { random, latencyUs, station } = this.#parts
    await caller.clock.sleepUs(random.integer(...latencyUs) + random.integer(...latencyUs))
    const again = station(packet.toNode)
    if (again !== undefined) await serve(again).catch(() => undefined)
  }

  async #silence(caller: Station, packet: Packet): Promise<never> {
    await caller.clock.sleepUs(SILENCE_US)
    throw unreachable(packet)
  }
}

const unreachable = ({ fromNode, toNode }: Packet): Failure =>
  new Failure('unreachable', { node: toNode, from: fromNode }, { note: 'in this simulation' })
