import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type CborValue, encodeCbor } from '../../protocol/index.ts'

/** Whoever connects to a node with a key of its own and plain libp2p, and does as it likes. */
export class Stranger implements AsyncDisposable {
  readonly #host: Libp2p
  readonly #connection: Connection

  private constructor(host: Libp2p, connection: Connection) {
    this.#host = host
    this.#connection = connection
  }

  static async open(address: string): Promise<Stranger> {
    const host = await createLibp2p({
      privateKey: await generateKeyPair('Ed25519'),
      addresses: { listen: [] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ maxOutboundStreams: 100_000 })],
      connectionMonitor: { enabled: false },
      services: { identify: identify() },
    })
    try {
      return new Stranger(host, await host.dial(multiaddr(address), { signal: AbortSignal.timeout(5_000) }))
    } catch (error) {
      await host.stop()
      throw error
    }
  }

  static encode(value: CborValue): Uint8Array {
    return encodeCbor(value)
  }

  get isConnected(): boolean {
    return this.#connection.status === 'open'
  }

  async open(protocol: string): Promise<StrangeStream> {
    const signal = AbortSignal.timeout(5_000)
    return new StrangeStream(await this.#connection.newStream(protocol, { signal, maxOutboundStreams: 100_000 }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.stop()
  }
}

export class StrangeStream {
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
    stream.inactivityTimeout = Number.POSITIVE_INFINITY
  }

  get isOpen(): boolean {
    return this.#stream.status === 'open'
  }

  /** Reads no more: the sender stands at its window. */
  takeNothing(): void {
    this.#stream.pause()
  }

  /** Resolves when there is room for more. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.#stream.send(bytes)) await this.#stream.onDrain({ signal: AbortSignal.timeout(30_000) })
  }
}
