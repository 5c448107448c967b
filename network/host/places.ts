import type { Connection, Libp2p } from '@libp2p/interface'
import type { KeyId } from '../../protocol/index.ts'
import { keyOfPeer } from '../peers/peer-name.ts'
import { hostIn } from './host-of.ts'

export interface PlacesParts {
  /** Connections that there may be at once. */
  readonly max: number
  /** Whether a connection to it is to be kept whatever comes. */
  readonly isKept: (key: KeyId) => boolean
}

type Held = Pick<Connection, 'remotePeer' | 'remoteAddr' | 'direction' | 'abort'>

interface Holder {
  readonly host: string
  readonly key: KeyId | undefined
}

/**
 * Who has the places of a node when there are more that want one: keys cost nothing, so whoever has a host could have a node full of
 * connections that he keeps, and nobody else would ever come in. What is reached through a relay is at the host of the relay.
 *
 * 1. As long as there is room, a host may have as many places as it likes: many nodes share the address of a router, or a machine.
 * 2. Then the host that has most gives one to whoever has at least two fewer; it is the one that came to it last, those first that came
 *    by themselves and were not dialled.
 * 3. Peers that the operator named keep theirs.
 */
export class Places {
  readonly #parts: PlacesParts
  readonly #held = new Map<Held, Holder>()

  constructor(parts: PlacesParts) {
    this.#parts = parts
  }

  /** Whether one more from a host would find a place; asked before anything is made of it. */
  isFreeFor(host: string): boolean {
    if (this.#held.size < this.#parts.max) return true
    const counts = this.#counts()
    return (counts.get(host) ?? 0) + 1 < Math.max(0, ...counts.values())
  }

  /** From now on those that are too many are cut. */
  watch(host: Pick<Libp2p, 'addEventListener'>): void {
    host.addEventListener('connection:open', ({ detail }) => this.take(detail))
    host.addEventListener('connection:close', ({ detail }) => void this.#held.delete(detail))
  }

  /** A connection was made. */
  take(connection: Held): void {
    const { remoteAddr, remotePeer } = connection
    this.#held.set(connection, { host: hostIn(remoteAddr) ?? 'elsewhere', key: keyOfPeer(remotePeer) })
    if (this.#held.size <= this.#parts.max) return
    const one = this.#dispensable()
    if (one === undefined) return
    this.#held.delete(one)
    one.abort(new Error('expected fewer connections'))
  }

  /** Of the host that has most, the last that came. */
  #dispensable(): Held | undefined {
    const counts = this.#counts()
    const most = Math.max(0, ...counts.values())
    const there = [...this.#held].flatMap(([one, holder]) =>
      counts.get(holder.host) === most && !this.#isKept(holder) ? one : [],
    )
    return there.findLast(({ direction }) => direction === 'inbound') ?? there.at(-1)
  }

  /** Places that hosts have, those of kept peers left out. */
  #counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const holder of this.#held.values())
      if (!this.#isKept(holder)) counts.set(holder.host, (counts.get(holder.host) ?? 0) + 1)
    return counts
  }

  #isKept({ key }: Holder): boolean {
    return key !== undefined && this.#parts.isKept(key)
  }
}
