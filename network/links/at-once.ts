interface Waiting {
  readonly limits: readonly Lane[]
  readonly run: () => Promise<void>
}

/** So many of one kind may be under way. */
class Lane {
  readonly max: number
  underWay = 0

  constructor(max: number) {
    this.max = max
  }

  get isFull(): boolean {
    return this.underWay >= this.max
  }
}

/** Peers of whom the whole node serves as much as one may ask, at once. */
const PEERS_AT_ONCE = 4

/**
 * How many answers of an operation are made and held at once, for one peer and for all: an answer is held until the
 * peer has taken it, or is cut. The rest waits its turn; whoever does not want it any more takes it back.
 */
export class AtOnce {
  readonly #all = new Map<string, Lane>()
  readonly #waiting = new Set<Waiting>()

  /** Those that wait their turn. */
  get waitingCount(): number {
    return this.#waiting.size
  }

  /** The lanes of one peer: keep it for as long as the peer is there. Gives what takes back one that waits. */
  forPeer(): (operation: string, max: number, run: () => Promise<void>) => () => void {
    const own = new Map<string, Lane>()
    return (operation, max, run) => {
      const limits = [laneOf(own, operation, max), laneOf(this.#all, operation, max * PEERS_AT_ONCE)]
      const one = { limits, run }
      if (isFree(one)) this.#run(one)
      else this.#waiting.add(one)
      return () => void this.#waiting.delete(one)
    }
  }

  #run({ limits, run }: Waiting): void {
    for (const lane of limits) lane.underWay += 1
    void run().finally(() => {
      for (const lane of limits) lane.underWay -= 1
      this.#goOn()
    })
  }

  #goOn(): void {
    for (const waiting of this.#waiting) {
      if (!isFree(waiting)) continue
      this.#waiting.delete(waiting)
      return this.#run(waiting)
    }
  }
}

const isFree = ({ limits }: Waiting): boolean => !limits.some(({ isFull }) => isFull)

function laneOf(lanes: Map<string, Lane>, operation: string, max: number): Lane {
  const lane = lanes.get(operation) ?? new Lane(max)
  lanes.set(operation, lane)
  return lane
}
