/**
 * Every bound of the network, its unit in its name, its reason beside it.
 * Bounds marked (protocol) are part of what all compute units must agree on: a change is a protocol change.
 */

export * from './ao-limits.ts'
export * from './co-sign-limits.ts'
export * from './epoch-limits.ts'
export * from './feed-limits.ts'
export * from './ic-limits.ts'
export * from './peer-limits.ts'
export * from './proof-limits.ts'

const KiB = 1024
const MiB = 1024 * KiB

// What travels
/** (protocol) One data item, all of it. Larger payloads belong in modules or in several messages. */
export const ITEM_SIZE_MAX_BYTES = 2 * MiB
/** A module item: the largest real module met is 26 MB (CPython). */
export const MODULE_SIZE_MAX_BYTES = 40 * MiB
/** Code of an agent module, bundled: a process of this project is 5 to 300 KB; engines parse it at each first boot. */
export const AGENT_CODE_MAX_BYTES = 4 * MiB
/** An agent module, all of it: code, source map, interface. */
export const AGENT_MODULE_MAX_BYTES = 16 * MiB
/** The JSON description of what a process promises: it is read by whoever shows a form. */
export const INTERFACE_MAX_BYTES = 512 * KiB
/** Messages of one interface, and queries, and events. */
export const INTERFACE_NAMES_MAX = 512
/** (protocol) Tags of one message; ANS-104's own bounds. */
export const TAGS_MAX = 128
/** (protocol) Encoded bytes of the tags of one message, as in ANS-104. */
export const TAGS_SIZE_MAX_BYTES = 4096
/** (protocol) A frame is cut at this size; one larger message is a frame of its own. Hypercore's cost is per block. */
export const FRAME_SIZE_BYTES = 64 * KiB
/** (protocol) Assignments in one frame: bounds what one certificate speaks for. */
export const FRAME_ASSIGNMENTS_MAX = 1024
/** A bundle of items handed in at once. */
export const BUNDLE_SIZE_MAX_BYTES = 8 * MiB
/** Items in one bundle handed in at once. */
export const BUNDLE_ITEMS_MAX = 4096

// What a process may do in one slot (protocol)
/** Messages, spawns and assignments in one outbox. */
export const OUTBOX_MAX = 1024
/** Spawns in one outbox. */
export const OUTBOX_SPAWNS_MAX = 8
/** Bytes of all bodies of one outbox: a message of a canister of the largest size, 2 MiB, and what goes beside it. */
export const OUTBOX_SIZE_MAX_BYTES = 2 * MiB + 512 * KiB
/** Bytes of one reply or output. */
export const OUTPUT_SIZE_MAX_BYTES = 1 * MiB
/** Output of a process of AO's formats: as AO answers it, it repeats the outbox. */
export const AO_OUTPUT_SIZE_MAX_BYTES = OUTBOX_SIZE_MAX_BYTES + OUTPUT_SIZE_MAX_BYTES
/** Bytes that a query may answer: it stands in no result. As on the Internet Computer, and a little for the form. */
export const QUERY_OUTPUT_MAX_BYTES = 3 * MiB + 4 * KiB
/** Bytes of the answers that a composite query is told together, five of the largest: they come as the data of a query, and stand nowhere. */
export const QUERY_ANSWERS_MAX_BYTES = 16 * MiB
/** Bytes of an error text kept in a result. */
export const ERROR_TEXT_MAX_BYTES = 4 * KiB
/** Output, error and log that stand in the head of a result; longer ones as their hash. Every push carries the head of its result. */
export const DETAIL_INLINE_MAX_BYTES = 128
/** Key of a cell. */
export const CELL_KEY_MAX_BYTES = 256
/** Value of a cell. */
export const CELL_VALUE_MAX_BYTES = 64 * KiB
/** Entries one scan of cells may give. */
export const SCAN_MAX = 1024
/** Timers a process may hold. */
export const TIMERS_MAX = 64
/** Shortest time between two firings of one timer: storms end. */
export const TIMER_INTERVAL_MIN_MS = 1000
/** Key of a timer. */
export const TIMER_KEY_MAX_BYTES = 64

// Storms end by construction (protocol)
/** How deep a message may lie below the user message or tick that caused it. */
export const DEPTH_MAX = 1024
/** Fuel a user message or a tick brings, in gas: for itself and for all it causes. */
export const FUEL_PER_MESSAGE = 1_000_000_000_000n
/** Gas one slot may use, unless module or process say less. About ten seconds of a slow machine. */
export const GAS_PER_SLOT_MAX = 20_000_000_000n
/** Fuel of a message below which an agent begins none of the requests that wait in its slot: they would live on what another left. */
export const QUEUE_FUEL_MIN = 20_000_000_000n
/** How deep such a message may lie. */
export const QUEUE_DEPTH_MAX = DEPTH_MAX / 2
/** Gas a push must bring to be worth a slot. */
export const FUEL_MIN = 10_000n
/** Gas of a query: nobody pays for it, so it gets less. */
export const GAS_PER_QUERY_MAX = 5_000_000_000n

// State
/** (protocol) A chunk of guest memory, the unit of dirty tracking, checkpoints and the state root. */
export const CHUNK_SIZE_BYTES = 4 * KiB
/** (protocol) Linear memory of a guest, 64 KiB pages, unless module or process say less: 1 GiB. */
export const MEMORY_MAX_PAGES = 16_384
/** (protocol) Linear memory of an agent's JavaScript engine: 64 MiB. What people keep in plain objects is small. */
export const AGENT_MEMORY_MAX_PAGES = 1024
/** (protocol) Stack slots of nested calls. Hosts run with a native stack that holds the worst case. */
export const FRAME_SLOTS_MAX = 131_072

/** (protocol) Documents of its own state that a process keeps under names. */
export const SNAPSHOTS_MAX = 16
/** (protocol) Those among them that upgrades took; the oldest goes when one more comes. */
export const SNAPSHOTS_AUTOMATIC_MAX = 3
/** (protocol) Name of a snapshot. */
export const SNAPSHOT_NAME_MAX_BYTES = 64
/** (protocol) A document of state: what an upgrade carries over. It passes through memory as one text. */
export const DOCUMENT_SIZE_MAX_BYTES = 8 * MiB
/** (protocol) All snapshots of a process: they are part of every state root and checkpoint. */
export const SNAPSHOTS_SIZE_MAX_BYTES = 32 * MiB
/** (protocol) Gas of each byte of a document that is taken, kept or restored. */
export const DOCUMENT_GAS_PER_BYTE = 8n
/** (protocol) And of each cell that is read for it, taken away or put. */
export const DOCUMENT_GAS_PER_CELL = 2_000n
/** (protocol) Changes of module that a process remembers. */
export const MODULE_CHANGES_MAX = 64

// Processes of format `command` (protocol)
/** Files and folders of one process: each is a cell at least, and every run looks at all names. */
export const COMMAND_FILES_MAX = 4096
/** Bytes of all files of one process: a host holds them in memory, a snapshot document carries them. */
export const COMMAND_FILES_SIZE_MAX_BYTES = 64 * MiB
/** A file is kept in pieces of this size; the smallest change rewrites one. */
export const COMMAND_PIECE_SIZE_BYTES = 16 * KiB
/** Path of a file: with prefix and number of a piece it is the key of a cell. */
export const COMMAND_PATH_MAX_BYTES = 240
/** Folders in folders. */
export const COMMAND_FOLDER_DEPTH_MAX = 32
/** Files and folders open at once in a run. */
export const COMMAND_DESCRIPTORS_MAX = 256
/** What a run may write to stdout: all that an outbox and an output can hold, as JSON. */
export const COMMAND_STDOUT_MAX_BYTES = 4 * MiB

// The node
/** Bytes of modules that are being checked at once, each in memory; above it the answer is "busy". */
export const MODULES_CHECKED_MAX_BYTES = 256 * MiB
/** Copies of a past state that are being made at once. */
export const PAST_STATES_MAX = 4
/** Messages that an upgrade check gives to both modules. */
export const CHECK_REPLAY_MAX = 1000
/** Differences that an upgrade check tells. */
export const CHECK_DIFFERENCES_MAX = 200
/** Hypercores held open at once (28-90 KB each): those of feeds that others write. The rest live on disk. */
export const OPEN_FEEDS_MAX = 256
/** Bytes journalled but not yet in feeds; above it commits wait. */
export const WRITE_BEHIND_MAX_BYTES = 64 * MiB
/** A journal segment; dropped once the storage below it was flushed with fsync. */
export const JOURNAL_SEGMENT_BYTES = 64 * MiB
/** Messages waiting for a slot in one process; above it the answer is "busy", before any receipt. */
export const PENDING_PER_PROCESS_MAX = 16_384
/** Bytes of them: they become durable together, and a file of the journal is read as a whole. */
export const PENDING_PER_PROCESS_MAX_BYTES = 64 * MiB
/** Messages a signer may hand in a second, averaged; bursts up to ten seconds' worth. */
export const SIGNER_RATE_PER_SECOND = 20_000
/** Gas after which a slot or a query that others wait behind goes on in a host for long ones: some fifty milliseconds. */
export const PATIENCE_GAS = 50_000_000n
/** A process that had one is in that host for this long. */
export const SLOW_FOR_MS = 600_000
/** Wall-clock guard there, where a slot gives way to all else on the machine. */
export const SLOW_WALL_MAX_MS = 300_000
/** Processes that are known for long queries. */
export const SLOW_KNOWN_MAX = 10_000
/** Wall-clock guard of one slot in a host: a host fault, never a result. */
export const EVALUATION_WALL_MAX_MS = 60_000
/** A host for queries that nobody asks anything for this long ends; another starts in a quarter of a second. */
export const QUERY_HOST_IDLE_MAX_MS = 30_000
/** Wall-clock guard of a query. */
export const QUERY_WALL_MAX_MS = 20_000
/** Signers whose rate is remembered. */
export const SIGNERS_TRACKED_MAX = 10_000
/** Processes whose place in their feed a scheduler holds in memory (about 1 KB each): more than are busy at once. */
export const LANES_MAX = 4096
/** Processes whose place in their feed a compute unit holds in memory (about 2 KB each); looking one up again takes 0.3 ms. */
export const FOLLOWERS_MAX = 4096
/** Feeds of which is held in memory how long they are and, once they were written to, where they lie and end (about 500 bytes, and 1 KB): two for each process. */
export const FEEDS_KNOWN_MAX = 8192
/** Feeds of which that is held besides, as long as somebody follows them. Of more it is read again each time they grow. */
export const FEEDS_HELD_MAX = 32_768
/** Pairs of sender and receiver whose line a messenger unit keeps when it is empty (about 1 KB each). */
export const PAIRS_MAX = 4096
/** Pushes of one pair that wait in memory; those behind them are read from results when their turn comes. */
export const LINE_MAX = 4096
/** Bytes of these: whoever sends much to somebody that is away leaves room for others. */
export const LINE_MAX_BYTES = 16 * MiB
/** Bytes of all that wait so, of all pairs: above it a pair keeps the first alone. */
export const LINES_MAX_BYTES = 128 * MiB
/** Bytes that are read from results at once for one pair. */
export const LINE_READ_MAX_BYTES = 8 * MiB
/** Receipts a scheduler remembers with their items, to answer repeats without a look into feeds. */
export const RECENT_RECEIPTS_MAX = 8192
/** Bytes of the items among them, which are kept to tell a repetition from another item with the same id. */
export const RECENT_RECEIPTS_MAX_BYTES = 64 * MiB
/** Queries waiting at once. */
export const QUERIES_PENDING_MAX = 256
/** Results or processes in one page of a listing. */
export const PAGE_MAX = 1000
/** How long a caller may wait for a result in one request. */
export const WAIT_MAX_MS = 60_000
/** Nodes of one message tree that are followed, wherever they are. */
export const TRACE_NODES_MAX = 5_000
/** How deep it is followed: what an effect leads to begins at depth 0 again, so a tree may be deeper than DEPTH_MAX. */
export const TRACE_LEVELS_MAX = 2_048
/** Body of a request that carries no item. */
export const JSON_BODY_MAX_BYTES = 4 * MiB
/** Sockets one gateway holds. */
export const CONNECTIONS_MAX = 1024
/** Sockets from which on a new one takes the place of one that says nothing. */
export const CONNECTIONS_CROWDED = 768

// Effects on the outside world
/** Time one effect may take when its process names none. */
export const EFFECT_TIMEOUT_MS = 30_000
/** Time one effect may take at most: a language model thinks for minutes. */
export const EFFECT_TIMEOUT_MAX_MS = 300_000
/** Bytes that come back from outside: they must fit one item, as JSON. */
export const EFFECT_BODY_MAX_BYTES = 1 * MiB
/** Effects of one process under way at once; more wait. */
export const EFFECTS_PER_PROCESS_MAX = 16
/** Effects of one node under way at once; more wait. */
export const EFFECTS_MAX = 128
/** How often an effect that failed in passing is tried. */
export const EFFECT_ATTEMPTS_MAX = 3
/** How long the outside may ask to be left alone before the next attempt: of more, the process is told at once. */
export const EFFECT_PAUSE_MAX_MS = 60_000

// The gateway
/** Headers of one request; Node's own default, said here because the AO and native faces share it. */
export const HEADERS_MAX_BYTES = 16 * KiB
/** Time for the headers of a request to arrive: a slow sender holds a socket no longer. */
export const HEADERS_TIMEOUT_MS = 10_000
/** Time for a whole request to arrive; the answer may take longer. */
export const REQUEST_TIMEOUT_MS = 30_000
/** A socket on which nothing moved for this long is closed; longer than any wait, heartbeats included. */
export const SOCKET_IDLE_MAX_MS = 120_000
/** An unused socket is kept this long for the next request: longer than proxies keep theirs (60 s), or some requests would meet its end. */
export const KEEP_ALIVE_MS = 75_000
/** After a refusal, how long the rest of the body is taken and dropped, so that the refusal can be read. */
export const LINGER_MAX_MS = 1_000
/** And how much of it. */
export const LINGER_MAX_BYTES = 16 * MiB
/** Bytes of bodies that are not whole yet, of all clients; beyond it the longest is refused. As many as sockets that are not crowded may hold, at a third of a megabyte each. */
export const BODIES_UNFINISHED_MAX_BYTES = 256 * MiB
/** Bytes of answers that wait for their clients; beyond it the one that waits with most is cut off. */
export const ANSWERS_WAITING_MAX_BYTES = 256 * MiB
/** Requests of one socket that wait for those before them; one that brings more is closed. */
export const PIPELINED_MAX = 64
/** Event streams one gateway holds: half of the sockets stay free for requests. */
export const STREAMS_MAX = 512
/** Silence on an event stream before a heartbeat, so that proxies and readers know it lives. */
export const STREAM_HEARTBEAT_MS = 15_000
/** A reader of a stream that takes nothing for this long is cut off; it resumes by its cursor. */
export const STREAM_STALL_MAX_MS = 30_000
/** Bytes of one page of results, slots, frames or certificates; a page holds one entry at least. */
export const PAGE_SIZE_MAX_BYTES = 8 * MiB
/** Wrong admin tokens one address may show in a minute. */
export const ADMIN_TRIES_PER_MINUTE = 10
/** How long a closing gateway lets running requests end. */
export const DRAIN_MAX_MS = 5_000
/** What a call waits for a result when the caller names no limit. */
export const WAIT_DEFAULT_MS = 10_000

// Tools
/** Processes that are shown as tools at once: a model that is told of more finds none of them. */
export const MCP_PROCESSES_MAX = 200
/** Sockets of the MCP server: it serves one person's programs. */
export const MCP_CONNECTIONS_MAX = 64
