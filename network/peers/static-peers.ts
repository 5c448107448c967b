import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Failure, type KeyId, PEER_DIAL_MAX_MS, PEER_REDIAL_MAX_MS, PEER_REDIAL_MIN_MS } from '../../protocol/index.ts'
import { toldOf } from '../host/bounded-book.ts'
import { keyOfPeer, withoutPeer } from './peer-name.ts'

export interface StaticPeersParts {
  readonly host: Libp2p
  /** Makes sure of a link to a peer that is connected. */
  readonly link: (peer: KeyId) => Promise<unknown>
  /** Whether it is not to be spoken to now. */
  readonly isRefused: (peer: KeyId) => boolean
  /** Told once for each time that a peer is away, however often it is dialled. */
  readonly trouble: (address: string, error: unknown) => void
}

/** A peer as it is kept. */
interface Kept {
  readonly address: Multiaddr
  /** Whom its address names. */
  readonly named: KeyId | undefined
  /** Once it has answered. */
  key: KeyId | undefined
  readonly retry: AbortController
  /** Ends its pause. */
  wake: () => void
}

/** Peers that the operator names: they are dialled until they answer, and again when they are gone; not while they are refused. */
export class StaticPeers {
  readonly #parts: StaticPeersParts
  readonly #ended = new AbortController()
  readonly #peers = new Map<string, Kept>()

  constructor(parts: StaticPeersParts) {
    this.#parts = parts
  }

  /** The addresses, and the keys of those that have answered once. */
  get all(): readonly { readonly address: string; readonly key: KeyId | undefined }[] {
    return Array.from(this.#peers, ([address, { key }]) => ({ address, key }))
  }

  /** Whether a connection to it is kept. */
  has(key: KeyId): boolean {
    return this.#peers.values().some(peer => (peer.key ?? peer.named) === key)
  }

  /** Begins to keep a connection to the node at `address`. */
  add(address: Multiaddr): void {
    const text = address.toString()
    if (this.#peers.has(text) || this.#ended.signal.aborted) return
    const retry = new AbortController()
    const peer: Kept = { address, named: keyIn(address), key: undefined, retry, wake: () => undefined }
    this.#peers.set(text, peer)
    void this.#keep(peer, AbortSignal.any([this.#ended.signal, retry.signal]))
  }

  /** A peer that answered at an address was refused. */
  refused(key: KeyId, address: Multiaddr): void {
    const place = withoutPeer(address.toString())
    for (const [text, peer] of this.#peers) if (withoutPeer(text) === place) peer.key ??= key
  }

  /** It is no longer refused: it is dialled at once. */
  pardoned(key: KeyId): void {
    for (const peer of this.#peers.values()) if ((peer.key ?? peer.named) === key) peer.wake()
  }

  /** Keeps no connection to it any more. */
  remove(key: KeyId): void {
    for (const [address, peer] of this.#peers) {
      if (peer.key !== key) continue
      peer.retry.abort()
      this.#peers.delete(address)
    }
  }

  close(): void {
    this.#ended.abort()
  }

  async #keep(peer: Kept, signal: AbortSignal): Promise<void> {
    const { host, link, isRefused, trouble } = this.#parts
    const { address, named } = peer
    let isTold = false
    for (let pauseMs = PEER_REDIAL_MIN_MS; !signal.aborted; ) {
      const known = peer.key ?? named
      if (known !== undefined && isRefused(known)) {
        await pause(PEER_REDIAL_MAX_MS, peer, signal)
        continue
      }
      try {
        const connection = await host.dial(address, {
          signal: AbortSignal.any([signal, AbortSignal.timeout(PEER_DIAL_MAX_MS)]),
        })
        const key = keyOfPeer(connection.remotePeer)
        if (key === undefined)
          throw new Failure('unreachable', { address: address.toString() }, { note: 'it is no node of this network' })
        peer.key = key
        // Where it was reached it will be found again, however many addresses it names itself.
        await host.peerStore.merge(connection.remotePeer, toldOf([address]))
        await link(key)
        pauseMs = PEER_REDIAL_MIN_MS
        isTold = false
        await disconnected(host, connection.remotePeer.toString(), signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isTold) trouble(address.toString(), error)
        isTold = true
        await pause(pauseMs * (0.75 + Math.random() / 2), peer, signal)
        pauseMs = Math.min(2 * pauseMs, PEER_REDIAL_MAX_MS)
      }
    }
  }
}

/** Resolves when no connection to a peer is left, or the signal fires. */
function disconnected(host: Libp2p, peer: string, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const gone = (event: CustomEvent<{ toString(): string }>): void => {
      if (event.detail.toString() === peer) finish()
    }
    const finish = (): void => {
      host.removeEventListener('peer:disconnect', gone)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    host.addEventListener('peer:disconnect', gone)
    signal.addEventListener('abort', finish, { once: true })
  })
}

function pause(ms: number, peer: Kept, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(finish, ms)
    function finish(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    peer.wake = finish
    signal.addEventListener('abort', finish, { once: true })
  })
}

/** The key that an address names. */
function keyIn(address: Multiaddr): KeyId | undefined {
  const last = address.getComponents().at(-1)
  return last?.name === 'p2p' && last.value !== undefined ? keyOfPeer(peerIdFromString(last.value)) : undefined
}
