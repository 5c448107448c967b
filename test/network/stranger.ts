import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, MessageStream, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { type CborValue, encodeCbor } from '../../protocol/index.ts'

/** What comes at all comes by then; a busy machine takes seconds for a handshake. */
const SOON_MS = 30_000

/** Whoever connects to a node with a key of its own and plain libp2p, and does as it likes. */
export class Stranger implements AsyncDisposable {
  readonly #host: Libp2p
  readonly #connection: Connection

  private constructor(host: Libp2p, connection: Connection) {
    this.#host = host
    this.#connection = connection
  }

  /** `from`: the address of this machine that it comes from. */
  static async open(address: string, from?: string): Promise<Stranger> {
    // Handed on to the socket, though it is not named.
    const dialOpts: object = from === undefined ? {} : { localAddress: from }
    const host = await createLibp2p({
      privateKey: await generateKeyPair('Ed25519'),
      addresses: { listen: [] },
      transports: [tcp({ dialOpts })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ maxOutboundStreams: 100_000 })],
      connectionMonitor: { enabled: false },
      services: { identify: identify() },
    })
    try {
      return new Stranger(host, await host.dial(multiaddr(address), { signal: AbortSignal.timeout(SOON_MS) }))
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
    const signal = AbortSignal.timeout(SOON_MS)
    return new StrangeStream(await this.#connection.newStream(protocol, { signal, maxOutboundStreams: 100_000 }))
  }

  /** Writes below the muxer, what is none of its frames, too. Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    const { maConn } = (this.#connection as unknown as { readonly muxer: { readonly maConn: MessageStream } }).muxer
    if (!maConn.send(bytes)) await maConn.onDrain({ signal: AbortSignal.timeout(SOON_MS) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.stop()
  }
}

/** A frame of yamux, or what its header says of one. */
export function yamuxFrame(
  type: number,
  flag: number,
  streamId: number,
  length: number,
  data?: Uint8Array,
): Uint8Array {
  const head = new DataView(new ArrayBuffer(12))
  head.setUint8(1, type)
  head.setUint16(2, flag)
  head.setUint32(4, streamId)
  head.setUint32(8, length)
  return Buffer.concat([new Uint8Array(head.buffer), data ?? new Uint8Array(0)])
}

export class StrangeStream {
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
    stream.inactivityTimeout = Number.POSITIVE_INFINITY
  }

  /** As the muxer counts it. */
  get id(): number {
    return Number(this.#stream.id)
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
    if (!this.#stream.send(bytes)) await this.#stream.onDrain({ signal: AbortSignal.timeout(SOON_MS) })
  }
}
