/** Bounds of what nodes tell each other of themselves and of their feeds: part of the table in limits.ts. */

const KiB = 1024
const MiB = 1024 * KiB

// Who is where
/** Addresses that a node may name as its own. */
export const PEER_RECORD_ADDRESSES_MAX = 16
/** A signed record of a node. */
export const PEER_RECORD_MAX_BYTES = 4 * KiB
/** How long a record is good, at most. */
export const PEER_RECORD_LASTS_MS = 48 * 3_600_000
/** How often a node says again where it is. */
export const PEER_RECORD_RENEWED_MS = 600_000
/** How far clocks may be apart. */
export const PEER_RECORD_SKEW_MS = 600_000
/** Records of other nodes that are kept, newest first. */
export const PEER_RECORDS_MAX = 4096
/** Records told to somebody at once. */
export const PEER_RECORDS_TOGETHER_MAX = 200
/** Nodes of which somebody may ask at once where they are. */
export const PEER_RECORDS_ASKED_MAX = 16
/** Nodes that are dialled first after a restart. */
export const PEER_ANCHORS_MAX = 4

// Feeds of other nodes
/** Feeds one node follows over one connection; some 300 bytes each for the other side. */
export const FEEDS_FOLLOWED_MAX = 131_072
/** A frame of a follower: it names a feed and its signers, of whom there are as many as may schedule a process. */
export const FOLLOWER_FRAME_MAX_BYTES = 4 * KiB
/** Bytes of all frames that name what is followed; beyond it a follower has an equal part. What is held of a feed takes four times as much. */
export const FEEDS_FOLLOWED_MAX_BYTES = 32 * MiB
/** Blocks of a feed go in pieces of about this size, each with a head that covers it; one larger block is a piece of its own. */
export const FEED_PIECE_BYTES = 256 * KiB
/** Blocks in one piece: hashing each takes some 10 µs of the thread that takes it, however short it is. */
export const FEED_PIECE_BLOCKS_MAX = 2_048
/** A frame of a node for its follower: a block with the largest message, and what is around it. */
export const FEED_FRAME_MAX_BYTES = 8 * MiB
/** Pieces that are read at once for one follower. */
export const FEED_READS_MAX = 16
/** Bytes that wait to be taken by a follower, above which nothing more is read for it. */
export const FEED_WAITING_MAX_BYTES = 1 * MiB
/** Bytes that came and are not checked and stored yet, above which nothing more is taken from that node. */
export const FEED_PENDING_MAX_BYTES = 8 * MiB
/** Feeds that one stream of Hypercore replication may ask for; each costs an open Hypercore, 28-90 KB. */
export const FEEDS_REPLICATED_MAX = 1024
/** How long a node may take to show the tree of a feed. */
export const FEED_SHOW_MAX_MS = 10_000
