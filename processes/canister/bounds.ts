/**
 * Bounds of canisters, their unit in their name; all of them are protocol. Where the IC's own differ, its number stands beside.
 */
const KiB = 1024
const MiB = 1024 * KiB

/** Code of a canister, packed and unpacked (IC: 100 MiB): it is state, and every host that wakes the canister compiles it. */
export const CODE_MAX_BYTES = 32 * MiB
/** Methods of one canister, bytes of their names, metadata sections and bytes of those: as on the IC. */
export const METHODS_MAX = 1_000
export const METHOD_NAMES_MAX_BYTES = 20_000
export const METADATA_MAX = 16
export const METADATA_MAX_BYTES = 1 * MiB
/** A piece of an upload, as on the IC. */
export const UPLOAD_CHUNK_MAX_BYTES = 1 * MiB
/** Pieces that wait to be installed (IC: 100). */
export const UPLOAD_CHUNKS_MAX = 40
/** Code and uploads are kept in cells of this size. */
export const PIECE_BYTES = 64 * KiB
/** Stable memory in pages of 64 KiB: 1 GiB (IC: 500 GiB). A host holds all of it. */
export const STABLE_PAGES_MAX = 16_384
/** Heap and stable memory together. */
export const MEMORY_MAX_BYTES = 2 * 1024 * MiB
/** The argument of a call, and a reply to one: as on the IC, between subnets. */
export const PAYLOAD_MAX_BYTES = 2 * MiB
/** What an output has room for, so that it holds a reply to a user. */
export const OUTPUT_MAX_BYTES = PAYLOAD_MAX_BYTES + 64 * KiB
/** A piece of a snapshot, as on the IC. */
export const SNAPSHOT_PIECE_MAX_BYTES = 2_000_000
/** Calls that one execution may make: as many as one canister may have under way to another on the IC. What does not leave in one slot waits in the state. */
export const CALLS_PER_EXECUTION_MAX = 500
/** Bytes of their arguments. */
export const SENT_PER_EXECUTION_MAX_BYTES = 8 * MiB
/** The same of a composite query, whose calls stand in its output. */
export const ASKED_PER_QUERY_MAX_BYTES = 2 * MiB + 512 * KiB
/** Messages that leave in one slot, and bytes of them with their tags: what an outbox holds, spawns beside. More wait for the next. */
export const LETTERS_PER_SLOT_MAX = 240
export const LETTERS_PER_SLOT_MAX_BYTES = PAYLOAD_MAX_BYTES + 128 * KiB
/** Canisters that one slot makes, and bytes of what is said of them. */
export const SPAWNS_PER_SLOT_MAX = 8
export const SPAWNS_PER_SLOT_MAX_BYTES = 256 * KiB
/** A reference of a caller's, which stands in a tag of the answer: one that is longer is not answered. */
export const REFERENCE_MAX_BYTES = 512
/** Name of a method of another process, which stands in a tag. */
export const METHOD_TAG_MAX_BYTES = 2048
/** Text of a reject, in UTF-16 units: the rest is cut off, as on the IC (8 KiB). */
export const REJECT_TEXT_MAX = 8192
/** Calls that wait for answers (IC: 500 for each pair of canisters). */
export const CALLS_OPEN_MAX = 5_000
/** Calls to the canister itself that are carried out in the slot that makes them; more become messages. */
export const LOCAL_STEPS_MAX = 64
/** As on the IC. */
export const CONTROLLERS_MAX = 10
export const CERTIFIED_DATA_MAX_BYTES = 32
/** A best-effort call waits no longer (IC: the same). */
export const CALL_TIMEOUT_MAX_S = 300
/** How long a call waits for what the messenger unit does outside: longer than that tries, and than a unit takes to come back. */
export const OUTSIDE_TIMEOUT_MS = 900_000
/** A request to stop is answered after this long, even if calls are still open. */
export const STOP_TIMEOUT_MS = 300_000
/** A line of the log is cut after this. */
export const LOG_MAX_BYTES = 4 * KiB
/** Bytes of the lines that are kept, whatever `log_memory_limit` allows (IC: 2 MiB): they stand in one cell. */
export const LOG_KEPT_MAX_BYTES = 32 * KiB
/** Snapshots of one canister, as on the IC. */
export const SNAPSHOTS_MAX = 10
/** Bytes of all of them: room for one of the largest canister. A host holds them. */
export const SNAPSHOTS_MAX_BYTES = 2 * 1024 * MiB + 2 * CODE_MAX_BYTES
export const ENVIRONMENT_MAX = 20
export const ENVIRONMENT_TEXT_MAX_BYTES = 128
/** Name of a method, as in an ingress. */
export const METHOD_NAME_MAX_BYTES = 20_000
/** Shortest time between two heartbeats: a slot each. */
export const HEARTBEAT_MS = 1000
/** What a new canister has: enough for any test; a million billion, as in the IC's own development networks. */
export const CYCLES_AT_FIRST = 1_000_000_000_000_000n
/** An inspection may use no more, as on the IC. */
export const INSPECT_GAS = 200_000_000n
