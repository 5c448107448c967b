import { BlockList, type SocketAddress } from 'node:net'
import { PEERS_NEW_PER_SECOND_MAX, PEERS_PER_HOST_AND_SECOND_MAX } from '../../protocol/index.ts'
import { hostOf } from './host-of.ts'

const WINDOW_MS = 1_000
/** Hosts that are remembered as having brought a peer. */
const KNOWN_MAX = 4096

/**
 * Who may come in, told before anything is made of a new socket: what is refused here costs a hundredth of what a handshake costs.
 *
 * 1. One host comes so often in a second, and no more.
 * 2. All hosts that never brought a peer come so often together. Those that did are not held up by them. Places of strangers become free
 *    one by one: free all at once they would be taken all at once, and so many handshakes in one turn hold up everybody.
 * 3. Nobody comes for whom there is no place.
 *
 * The engine asks a list of blocked addresses about each socket that comes; this one answers by what came before.
 */
export class AcceptGate extends BlockList {
  readonly #hasPlace: (host: string) => boolean
  readonly #now: () => number
  readonly #known = new Set<string>()
  readonly #came = new Map<string, number>()
  #windowMs = 0
  /** Strangers that may come at `#placesMs`. */
  #places = 0
  #placesMs = Number.NEGATIVE_INFINITY
  /** Sockets that were closed at once, since the start. */
  refused = 0

  /** `hasPlace`: see `Places.isFreeFor`. */
  constructor(hasPlace: (host: string) => boolean, now: () => number = () => performance.now()) {
    super()
    this.#hasPlace = hasPlace
    this.#now = now
  }

  /** A peer came from there, and proved its key. */
  brought(address: string): void {
    const host = hostOf(address)
    // The last to bring one is the last to be forgotten.
    this.#known.delete(host)
    this.#known.add(host)
    if (this.#known.size <= KNOWN_MAX) return
    const [oldest] = this.#known
    if (oldest !== undefined) this.#known.delete(oldest)
  }

  /** Whether a socket from there is to be closed; counts it. */
  override check(address: string | SocketAddress): boolean {
    const isRefused = !this.#takes(hostOf(typeof address === 'string' ? address : address.address))
    if (isRefused) this.refused += 1
    return isRefused
  }

  #takes(host: string): boolean {
    const nowMs = this.#now()
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs
      this.#came.clear()
    }
    const isKnown = this.#known.has(host)
    // Nothing is kept of whoever finds no place: hosts cost nothing.
    if (!isKnown && this.#placesAt(nowMs) < 1) return false
    const came = this.#came.get(host) ?? 0
    if (came >= PEERS_PER_HOST_AND_SECOND_MAX) return false
    this.#came.set(host, came + 1)
    if (!isKnown) this.#places -= 1
    return this.#hasPlace(host)
  }

  #placesAt(nowMs: number): number {
    const freed = ((nowMs - this.#placesMs) * PEERS_NEW_PER_SECOND_MAX) / 1_000
    this.#places = Math.min(PEERS_NEW_PER_SECOND_MAX, this.#places + freed)
    this.#placesMs = nowMs
    return this.#places
  }
}
