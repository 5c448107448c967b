import type { KeyId } from '../ids.ts'

/** What goes around among nodes: heads of feeds, proofs of wrongdoing, records of who serves what and where. */
export const GOSSIP_TOPICS = ['/atoll/heads/1', '/atoll/evidence/1', '/atoll/records/1'] as const
export type GossipTopic = (typeof GOSSIP_TOPICS)[number]

/** `accept` passes a message on, `ignore` does not, `reject` also counts against whoever sent it. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject'

/** Says things to all nodes that follow a topic, and hears them. Nobody is believed: each message proves itself. */
export interface GossipPort {
  /** Tells all who follow the topic, as far as they are reached; 64 KiB at most. */
  publish(topic: GossipTopic, bytes: Uint8Array): Promise<void>
  /** Follows a topic, once each; `judge` sees each message before it is passed on. `from` published it. Gives what ends it. */
  subscribe(
    topic: GossipTopic,
    judge: (bytes: Uint8Array, from: KeyId) => GossipVerdict | Promise<GossipVerdict>,
  ): () => void
}
