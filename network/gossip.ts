import { type GossipSub, gossipsub, TopicValidatorResult } from '@libp2p/gossipsub'
import {
  concatBytes,
  GOSSIP_BATCH_MAX,
  GOSSIP_BATCH_MAX_BYTES,
  GOSSIP_MESSAGE_MAX_BYTES,
  GOSSIP_SUBSCRIPTIONS_MAX,
  type GossipPort,
  type GossipTopic,
  GOSSIP_TOPICS,
  type GossipVerdict,
  type KeyId,
  sha256,
  toUtf8,
} from '../protocol/index.ts'
import { keyOfPeer } from './peers/peer-name.ts'

/** Who pruned a peer may say for how long he does not want it back, thousands of years too: it is remembered for so long. */
const BACKOFF_MAX_MS = 120_000
/** How long is known how somebody behaved who is gone: keys cost nothing, and who offends is remembered elsewhere. */
const SCORE_KEPT_MS = 10_000

/** What goes around among all nodes: three topics, messages signed by whoever published them, bounded in every way. */
export const gossipService = (): ReturnType<typeof gossipsub> => components => {
  const service = openGossip(components)
  boundBackoff(service)
  return service
}

const openGossip = (components: Parameters<ReturnType<typeof gossipsub>>[0]): GossipSub =>
  gossipsub({
    allowedTopics: [...GOSSIP_TOPICS],
    globalSignaturePolicy: 'StrictSign',
    // One thing said by many is one message.
    msgIdFn: message => sha256(concatBytes(toUtf8(message.topic), message.data)),
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    doPX: false,
    fallbackToFloodsub: false,
    scoreParams: {
      // Libp2p hears nobody any more of an address that more than ten keys came from within an hour: whoever has them takes the word from
      // all who share it, and so do a dozen nodes behind one router.
      IPColocationFactorWeight: 0,
      retainScore: SCORE_KEPT_MS,
    },
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    maxInboundDataLength: GOSSIP_BATCH_MAX_BYTES,
    maxOutboundBufferSize: 4 * GOSSIP_BATCH_MAX_BYTES,
    decodeRpcLimits: {
      maxSubscriptions: GOSSIP_SUBSCRIPTIONS_MAX,
      maxMessages: GOSSIP_BATCH_MAX,
      maxIhaveMessageIDs: GOSSIP_BATCH_MAX,
      maxIwantMessageIDs: GOSSIP_BATCH_MAX,
      maxIdontwantMessageIDs: GOSSIP_BATCH_MAX,
      maxControlMessages: GOSSIP_BATCH_MAX,
      maxPeerInfos: 0,
    },
  })(components)

function boundBackoff(service: object): void {
  const { doAddBackoff } = service as { readonly doAddBackoff?: (id: string, topic: string, ms: number) => void }
  if (doAddBackoff === undefined) throw new TypeError('expected gossip that remembers whom it may not graft')
  Object.assign(service, {
    doAddBackoff(id: string, topic: string, ms: number) {
      doAddBackoff.call(service, id, topic, Math.min(ms, BACKOFF_MAX_MS))
    },
  })
}

export interface GossipParts {
  readonly service: GossipSub
  /** A peer passed on what it must not. */
  readonly offence: (peer: KeyId) => void
}

/** What this node says to all, and hears. */
export class Gossip implements GossipPort {
  readonly #parts: GossipParts

  constructor(parts: GossipParts) {
    this.#parts = parts
  }

  /** Tells all who follow the topic, as far as they are reached. */
  async publish(topic: GossipTopic, bytes: Uint8Array): Promise<void> {
    if (bytes.length > GOSSIP_MESSAGE_MAX_BYTES)
      throw new RangeError(`expected at most ${GOSSIP_MESSAGE_MAX_BYTES} bytes, got ${bytes.length}`)
    await this.#parts.service.publish(topic, bytes)
  }

  /**
   * Follows a topic. `judge` sees each message before it is passed on: `accept` passes it on, `ignore` does not,
   * `reject` also counts against whoever sent it. `from` published it, and signed it.
   */
  subscribe(
    topic: GossipTopic,
    judge: (bytes: Uint8Array, from: KeyId) => GossipVerdict | Promise<GossipVerdict>,
  ): () => void {
    const { service, offence } = this.#parts
    service.topicValidators.set(topic, async (peer, message) => {
      const author = message.type === 'signed' ? keyOfPeer(message.from) : undefined
      const verdict =
        author === undefined || message.data.length > GOSSIP_MESSAGE_MAX_BYTES
          ? 'reject'
          : await judged(judge, message.data, author)
      const sender = keyOfPeer(peer)
      if (verdict === 'reject' && sender !== undefined) offence(sender)
      return VERDICTS[verdict]
    })
    service.subscribe(topic)
    return () => {
      service.unsubscribe(topic)
      service.topicValidators.delete(topic)
    }
  }
}

const VERDICTS: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

/** Whoever cannot judge a message does not pass it on. */
async function judged(
  judge: (bytes: Uint8Array, from: KeyId) => GossipVerdict | Promise<GossipVerdict>,
  data: Uint8Array,
  from: KeyId,
): Promise<GossipVerdict> {
  try {
    // As plain bytes, and by themselves: as a view they would hold all that the peer sent with them.
    return await judge(new Uint8Array(data), from)
  } catch {
    return 'ignore'
  }
}
