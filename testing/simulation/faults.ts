import type { SeededRandom } from './seeded-random.ts'

/** What is wrong with the network, in one respect. */
export interface FaultRule {
  readonly kind: 'drop' | 'duplicate' | 'delay'
  /** Only what goes to this node, or to this process; everything, if not given. */
  readonly to?: string | undefined
  /** Only what comes from this node, or from this process. */
  readonly from?: string | undefined
  /** How likely each packet is to suffer it; certain, if not given. */
  readonly p: number
  readonly delayUs: number
}

/** What goes over the network at once. */
export interface Packet {
  readonly fromNode: string
  readonly toNode: string
  /** Processes whose messages are in it. */
  readonly from: readonly string[]
  readonly to: readonly string[]
}

/** What happens to one packet. */
export interface Fate {
  readonly dropped: boolean
  readonly duplicated: boolean
  readonly delayUs: number
}

/** Faults of the network as they stand now. */
export class Faults {
  readonly #random: SeededRandom
  #rules: FaultRule[] = []
  /** Which side of a partition a node is on; those on none hear everybody. */
  #sides = new Map<string, number>()

  constructor(random: SeededRandom) {
    this.#random = random
  }

  add(rule: FaultRule): void {
    this.#rules.push(rule)
  }

  partition(...groups: readonly (readonly string[])[]): void {
    this.#sides = new Map(groups.flatMap((names, side) => names.map(name => [name, side] as const)))
  }

  heal(): void {
    this.#rules = []
    this.#sides.clear()
  }

  /** Whether anything could happen to packets between processes of one node. */
  get any(): boolean {
    return this.#rules.length > 0
  }

  isApart(a: string, b: string): boolean {
    const [sideOfA, sideOfB] = [this.#sides.get(a), this.#sides.get(b)]
    return sideOfA !== undefined && sideOfB !== undefined && sideOfA !== sideOfB
  }

  /** Each rule throws its own dice. */
  fateOf(packet: Packet): Fate {
    let fate = {
      dropped: this.isApart(packet.fromNode, packet.toNode),
      duplicated: false,
      delayUs: 0,
    }
    for (const rule of this.#rules) {
      if (!concerns(rule, packet) || !this.#random.chance(rule.p)) continue
      fate = {
        dropped: fate.dropped || rule.kind === 'drop',
        duplicated: fate.duplicated || rule.kind === 'duplicate',
        delayUs: fate.delayUs + (rule.kind === 'delay' ? rule.delayUs : 0),
      }
    }
    return fate
  }
}

function concerns({ from, to }: FaultRule, packet: Packet): boolean {
  const goesTo = to === undefined || to === packet.toNode || packet.to.includes(to)
  return goesTo && (from === undefined || from === packet.fromNode || packet.from.includes(from))
}
