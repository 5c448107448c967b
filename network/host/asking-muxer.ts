import type { StreamMuxerFactory } from '@libp2p/interface'
import { aroundMuxer, type Muxed } from './around-muxer.ts'

/** What a muxer of yamux offers beside streams. */
interface Echoing {
  /** Resolves once the other side answered. */
  ping(options: { readonly signal: AbortSignal }): Promise<unknown>
}

/** A node that is cut off and dies says nothing: only this tells, and what follows it must go on elsewhere within half a minute. */
const ASKED_EVERY_MS = 5_000
/** So long a busy one may take. */
const ANSWER_MAX_MS = 20_000

/**
 * Has yamux ask the other side of each connection for a sign of life now and then, and end what gives none. It does so with two frames
 * of twelve bytes; libp2p's own monitor opens a stream each time, agrees on its protocol, and both sides write down that they did.
 */
export function askingMuxer<Components>(
  create: (components: Components) => StreamMuxerFactory,
): (components: Components) => StreamMuxerFactory {
  return aroundMuxer(create, (muxer, connection) => {
    if (isEchoing(muxer)) keepAsking(connection, muxer)
  })
}

function keepAsking(connection: Muxed, muxer: Echoing): void {
  const timer = setInterval(() => {
    muxer.ping({ signal: AbortSignal.timeout(ANSWER_MAX_MS) }).catch((error: Error) => connection.abort(error))
  }, ASKED_EVERY_MS)
  timer.unref()
  connection.addEventListener('close', () => clearInterval(timer), { once: true })
}

function isEchoing(muxer: object): muxer is Echoing {
  return 'ping' in muxer && typeof muxer.ping === 'function'
}
