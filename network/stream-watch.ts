import type { Libp2p, Metrics, PeerId, Stream } from '@libp2p/interface'
import { GOSSIP_RATE_MAX_BYTES, type KeyId, PEER_STREAMS_PER_SECOND_MAX } from '../protocol/index.ts'
import { keyOfPeer } from './peer-name.ts'

const WINDOW_MS = 5_000
/** By then whoever serves a stream listens to it: before, a listener would take the first bytes away. */
const LISTENING_MS = 1_000
const GOSSIP = '/meshsub/'

interface Window {
  streams: number
  gossipBytes: number
}

export interface StreamWatchParts {
  readonly host: Libp2p
  /** A peer does more than it may. */
  readonly offence: (peer: KeyId, what: string) => void
}

/**
 * Counts what peers make this node do below the protocols that count for themselves: streams opened, bytes of gossip.
 * Libp2p tells its metrics of each stream, and nobody else: so it stands in for them, and measures nothing more.
 */
export class StreamWatch {
  readonly #windows = new Map<KeyId, Window>()
  #parts: StreamWatchParts | undefined
  #timer: NodeJS.Timeout | undefined

  /** What libp2p takes for its metrics. */
  readonly metrics: Metrics = silentMetrics(stream => this.#opened(stream))

  /** Begins to count. */
  begin(parts: StreamWatchParts): void {
    this.#parts = parts
    this.#timer = setInterval(() => this.#look(), WINDOW_MS)
    this.#timer.unref()
  }

  end(): void {
    clearInterval(this.#timer)
    this.#parts = undefined
  }

  #opened(stream: Stream): void {
    if (stream.direction !== 'inbound' || this.#parts === undefined) return
    const peer = this.#ownerOf(stream)
    const key = peer && keyOfPeer(peer)
    if (key === undefined) return
    const window = this.#windows.get(key) ?? { streams: 0, gossipBytes: 0 }
    this.#windows.set(key, window)
    window.streams += 1
    const max = (PEER_STREAMS_PER_SECOND_MAX * WINDOW_MS) / 1_000
    if (window.streams % max === 0) this.#parts.offence(key, `${max} streams opened in less than ${WINDOW_MS} ms`)
    if (stream.protocol.startsWith(GOSSIP)) setTimeout(() => this.#count(stream, key), LISTENING_MS).unref()
  }

  #count(stream: Stream, key: KeyId): void {
    if (stream.status !== 'open') return
    const max = (GOSSIP_RATE_MAX_BYTES * WINDOW_MS) / 1_000
    stream.addEventListener('message', ({ data }) => {
      const window = this.#windows.get(key) ?? { streams: 0, gossipBytes: 0 }
      this.#windows.set(key, window)
      const before = window.gossipBytes
      window.gossipBytes += data.byteLength
      if (Math.floor(window.gossipBytes / max) > Math.floor(before / max))
        this.#parts?.offence(key, `${max} bytes of gossip in less than ${WINDOW_MS} ms`)
    })
  }

  #look(): void {
    this.#windows.clear()
  }

  #ownerOf(stream: Stream): PeerId | undefined {
    return this.#parts?.host.getConnections().find(({ streams }) => streams.includes(stream))?.remotePeer
  }
}

/** Metrics that tell of streams and of nothing else. */
function silentMetrics(opened: (stream: Stream) => void): Metrics {
  const nothing = (): undefined => undefined
  const silent = {
    update: nothing,
    increment: nothing,
    decrement: nothing,
    reset: nothing,
    timer: () => nothing,
    observe: nothing,
  }
  const register = (): never => silent as never
  return {
    trackMultiaddrConnection: nothing,
    trackProtocolStream: opened,
    registerMetric: register,
    registerMetricGroup: register,
    registerCounter: register,
    registerCounterGroup: register,
    registerHistogram: register,
    registerHistogramGroup: register,
    registerSummary: register,
    registerSummaryGroup: register,
    traceFunction: (_name: string, traced: never) => traced,
    createTrace: nothing,
  }
}
