import type { Libp2p, Metrics, PeerId, Stream } from '@libp2p/interface'
import { type KeyId, PEER_SERVICE_RATE_MAX_BYTES, PEER_STREAMS_PER_SECOND_MAX } from '../../protocol/index.ts'
import { keyOfPeer } from '../peers/peer-name.ts'

const WINDOW_MS = 5_000
/** What libp2p takes to hold a piece, beside its bytes: what comes a byte at a time is held as it came. */
const PIECE_HELD_BYTES = 128
/** Beginnings of the protocols that libp2p serves as fast as they come: what goes around, who has what, echoes. */
const SERVICES = ['/meshsub/', '/atoll/kad/', '/ipfs/ping/'] as const

interface Window {
  streams: number
  /** By service. */
  readonly bytes: Map<string, number>
}

/** Where streams of libp2p take what comes, and what came and nobody took yet. */
interface Taking {
  readonly readBufferLength?: number
  onData(data: { readonly byteLength: number }): void
}

export interface StreamWatchParts {
  readonly host: Libp2p
  /** A peer does more than it may. */
  readonly offence: (peer: KeyId, what: string) => void
}

/**
 * Counts what peers make this node do below the protocols that count for themselves: streams opened, bytes to services.
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
    const window = this.#windowOf(key)
    window.streams += 1
    const max = (PEER_STREAMS_PER_SECOND_MAX * WINDOW_MS) / 1_000
    if (window.streams % max === 0) this.#parts.offence(key, `${max} streams opened in less than ${WINDOW_MS} ms`)
    const service = SERVICES.find(start => stream.protocol.startsWith(start))
    if (service !== undefined && isTaking(stream)) this.#count(stream, key, service)
  }

  /** Not as a listener, which would take what comes before the service listens. */
  #count(stream: Taking, key: KeyId, service: string): void {
    const take = stream.onData.bind(stream)
    stream.onData = data => {
      this.#came(key, service, data.byteLength + PIECE_HELD_BYTES)
      take(data)
    }
    this.#came(key, service, stream.readBufferLength ?? 0)
  }

  #came(key: KeyId, service: string, bytes: number): void {
    const max = (PEER_SERVICE_RATE_MAX_BYTES * WINDOW_MS) / 1_000
    const window = this.#windowOf(key)
    const before = window.bytes.get(service) ?? 0
    window.bytes.set(service, before + bytes)
    if (Math.floor((before + bytes) / max) > Math.floor(before / max))
      this.#parts?.offence(key, `${max} bytes to ${service} in less than ${WINDOW_MS} ms`)
  }

  #windowOf(key: KeyId): Window {
    const window = this.#windows.get(key) ?? { streams: 0, bytes: new Map() }
    this.#windows.set(key, window)
    return window
  }

  #look(): void {
    this.#windows.clear()
  }

  #ownerOf(stream: Stream): PeerId | undefined {
    return this.#parts?.host.getConnections().find(({ streams }) => streams.includes(stream))?.remotePeer
  }
}

function isTaking(stream: object): stream is Taking {
  return typeof (stream as Partial<Taking>).onData === 'function'
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
