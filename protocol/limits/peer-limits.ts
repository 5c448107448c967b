/** Bounds between nodes: part of the table in limits.ts. */

const KiB = 1024
const MiB = 1024 * KiB

/** One frame of the stream between two nodes; longer payloads go in parts, so that others come between them. */
export const PEER_FRAME_MAX_BYTES = 1 * MiB
/** A part of a long payload: the wait that it imposes on the frames behind it is a few milliseconds on a slow line. */
export const PEER_PART_BYTES = 256 * KiB
/** The shortest part that others follow: of shorter ones too many would be held for too few bytes. */
export const PEER_PART_MIN_BYTES = 16 * KiB
/** Requests of one peer that are under way here; above it the answer is "busy". */
export const PEER_REQUESTS_MAX = 4096
/** Bytes of the requests of one peer that are under way or unfinished; above it the answer is "busy". */
export const PEER_REQUESTS_MAX_BYTES = 16 * MiB
/** Bytes of those of all peers; beyond it a peer has an equal part, and above that the answer is "busy". */
export const PEERS_REQUESTS_MAX_BYTES = 128 * MiB
/** Requests to one peer that are under way; above it the answer is "busy". */
export const PEER_CALLS_MAX = 8192
/** Time that requests of one peer are begun in one turn of the event loop: others have their turn then. */
export const PEER_TURN_MAX_MS = 2
/** Requests of one peer that were read and not begun; above it nothing more is read. */
export const PEER_UNREAD_MAX = 1024
/** Bytes that wait for one peer to take them; above it calls are refused and its requests are not read. */
export const PEER_QUEUE_MAX_BYTES = 8 * MiB
/** Bytes that wait for all peers: each may have an equal part of it, if that is less. */
export const PEERS_QUEUE_MAX_BYTES = 128 * MiB
/** A peer that takes nothing for this long while something waits for it is cut. */
export const PEER_STALL_MAX_MS = 20_000
/** What a call of a peer waits when the caller names no limit. */
export const PEER_CALL_DEFAULT_MS = 10_000
/** Answers of one call that a peer may send before the first of them is taken. */
export const PEER_CREDIT = 16
/** Messages handed to another scheduler in one request. */
export const PEER_SCHEDULE_MAX = 1024
/** Bytes of them; one message alone may be larger. */
export const PEER_SCHEDULE_MAX_BYTES = 8 * MiB
/** Blocks of a feed in one answer. */
export const PEER_BLOCKS_MAX = 256
/** Bytes of them; one block alone may be larger. */
export const PEER_BLOCKS_MAX_BYTES = 4 * MiB
/** Processes that one peer said name this node and that were not found yet; more is refused, and said again later. */
export const ANNOUNCED_WAITING_MAX = 2_048
/** Of those, how many are looked for at once. */
export const ANNOUNCED_AT_ONCE_MAX = 8
/** Times one of them is looked for, later each time, before it is forgotten: in all some four minutes. */
export const ANNOUNCED_TRIES_MAX = 9
/** Peers of whom any such wait; whoever failed most often gives way. */
export const ANNOUNCERS_MAX = 512
/** Peers asked at once for what anybody may have. */
export const PEERS_ASKED_MAX = 8
/** First pause before a peer that cannot be reached is dialled again; it doubles. */
export const PEER_REDIAL_MIN_MS = 250
/** Longest such pause. */
export const PEER_REDIAL_MAX_MS = 15_000
/** Longest pause before one that somebody waits for is dialled for him again; a node that starts dials its own peers at once. */
export const PEER_ABSENT_MAX_MS = 1_000
/** Connections to other nodes (about 100 KB each when quiet). */
export const PEERS_MAX = 256
/** Connections that have not proven their key yet. */
export const PEERS_PENDING_MAX = 64
/** New connections from one host in a second. */
export const PEERS_PER_HOST_AND_SECOND_MAX = 16
/** New connections in a second from all hosts that never brought a peer: a handshake takes a millisecond or two of the node's thread. */
export const PEERS_NEW_PER_SECOND_MAX = 128
/** Time for a connection to be made, keys proven. */
export const PEER_DIAL_MAX_MS = 10_000
/** Streams one peer may have open to this node, over all protocols. */
export const PEER_STREAMS_MAX = 64
/** Bytes a stream may have under way to a reader that has not taken them. */
export const PEER_WINDOW_MAX_BYTES = 4 * MiB
/** Streams of one protocol that a peer may have open to this node, unless the protocol says less. */
export const PEER_PROTOCOL_STREAMS_MAX = 8
/** Streams one peer may open to this node in a second. */
export const PEER_STREAMS_PER_SECOND_MAX = 50
/** Bytes one peer may send to each service of libp2p (what goes around, who has what, echoes), in a second, averaged over five. */
export const PEER_SERVICE_RATE_MAX_BYTES = 128 * KiB
/** Bytes of one message that goes around: heads, records and proofs are small. */
export const GOSSIP_MESSAGE_MAX_BYTES = 64 * KiB
/** Bytes of what one peer sends of them at once. */
export const GOSSIP_BATCH_MAX_BYTES = 512 * KiB
/** Messages and commands in it, of each kind. */
export const GOSSIP_BATCH_MAX = 256
/** Topics in it: there are three. */
export const GOSSIP_SUBSCRIPTIONS_MAX = 16
/** Nodes that were never told of by a record, and are not connected: what they said of themselves is kept of so many. */
export const STRANGERS_KNOWN_MAX = 1_024
/** Records of the table of who has what that a node keeps for others: some 1.2 KB each, and libp2p goes through all of them once an hour. */
export const PROVIDERS_MAX = 8_192
/** Peers whose offences are remembered. */
export const OFFENDERS_MAX = 10_000
/** An offence counts half after this long. */
export const OFFENCE_HALF_LIFE_MS = 60_000
/** Offences weigh up to 100; a peer with so many is cut. */
export const OFFENCES_MAX = 100
/** How long a peer that was cut is not spoken to. */
export const BAN_MS = 10 * 60_000
/** Reservations that one relay grants. */
export const RELAY_RESERVATIONS_MAX = 64
/** Of those, how many the peers of one host may have. */
export const RELAY_RESERVATIONS_PER_HOST_MAX = 16
/** Bytes that one relayed connection may carry each way; the default of 128 KB is too little for a feed. */
export const RELAY_CONNECTION_MAX_BYTES = 1024 * MiB
/** How long one may last. */
export const RELAY_CONNECTION_MAX_MS = 60 * 60_000
