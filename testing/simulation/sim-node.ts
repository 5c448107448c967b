import type { NodeKeys } from '../../node/index.ts'
import type { MemoryLog } from '../memory/memory-log.ts'
import { NodeRun, type NodeRunParts } from './node-run.ts'
import type { SeededRandom } from './seeded-random.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SimNodeParts extends Omit<NodeRunParts, 'clock'> {
  /** Draws how much a crash takes. */
  readonly crashes: SeededRandom
  /** How long its disk takes, by the clock of one life. */
  readonly pauseOn: (clock: VirtualClock) => () => Promise<void>
}

/** A node through all its lives: what stays is its name, its keys and its disk. */
export class SimNode {
  readonly name: string
  readonly keys: NodeKeys
  readonly #parts: SimNodeParts
  /** What it found on its disk, or will find. */
  #disk: Promise<MemoryLog>
  #run: NodeRun | undefined
  #starting: VirtualClock | undefined

  constructor(parts: SimNodeParts) {
    this.name = parts.name
    this.keys = parts.keys
    this.#parts = parts
    this.#disk = Promise.resolve(parts.log)
  }

  /** Its present life; nothing while it is down or starting. */
  get run(): NodeRun | undefined {
    return this.#run
  }

  /** Does nothing if it is up. */
  async start(): Promise<void> {
    if (this.#run !== undefined || this.#starting !== undefined) return
    const clock = new VirtualClock(this.#parts.time)
    this.#starting = clock
    const log = (await this.#disk).copy({ pause: this.#parts.pauseOn(clock) })
    const run = await NodeRun.open({ ...this.#parts, log, clock })
    this.#starting = undefined
    this.#run = run
    await run.resume()
  }

  crash(): void {
    const run = this.#run
    if (run === undefined) return
    this.#run = undefined
    run.crash()
    this.#disk = run.log.crash(this.#parts.crashes.number())
  }

  /** A copy of its disk, as if it had just been shut down. */
  async disk(): Promise<MemoryLog> {
    return this.#run?.log.copy() ?? (await this.#disk).copy()
  }
}
