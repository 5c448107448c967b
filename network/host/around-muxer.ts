import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/** A connection as a muxer has it. */
export type Muxed = Pick<MessageStream, 'abort' | 'addEventListener'>

/** Has `made` see each muxer before anything comes over its connection. */
export function aroundMuxer<Components>(
  create: (components: Components) => StreamMuxerFactory,
  made: (muxer: StreamMuxer, connection: Muxed) => void,
): (components: Components) => StreamMuxerFactory {
  return components => {
    const factory = create(components)
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = connection => {
      const muxer = createStreamMuxer(connection)
      made(muxer, connection)
      return muxer
    }
    return factory
  }
}
