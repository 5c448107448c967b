// Bounds of the IC's face, and of what stands in feeds of its kind.

const KiB = 1024
const MiB = 1024 * KiB

/** (protocol) How far ahead an update may expire: the IC's five minutes, and half a minute for clocks that differ. */
export const IC_EXPIRY_MAX_MS = 330_000
/** How far the clock of who signs a query or a look at the state may be off, on top: clients look at the clock only for updates. */
export const IC_READ_DRIFT_MAX_MS = 900_000
/** (protocol) Links of a chain of delegations: the IC's own bound. */
export const IC_DELEGATIONS_MAX = 20
/** (protocol) Canister signatures of one request, delegations included: each costs tens of milliseconds to check. */
export const IC_CANISTER_SIGNATURES_MAX = 2
/** (protocol) Bytes of a canister signature: a certificate and a path through a tree of any size. Larger ones are hashed for nothing. */
export const IC_CANISTER_SIGNATURE_MAX_BYTES = 16 * KiB
/** (protocol) Root keys of a process under which those signatures are tried: its node's own, and that of one other network. */
export const IC_ROOT_KEYS_MAX = 2
/** (protocol) Canisters one delegation names: the IC's own bound. */
export const IC_DELEGATION_TARGETS_MAX = 1000
/** (protocol) Nonce of a request: the IC's own bound. */
export const IC_NONCE_MAX_BYTES = 32
/** Paths of one look at the state: the IC's own bound. */
export const IC_PATHS_MAX = 1000
/** Labels of one path: the IC's own bound. */
export const IC_PATH_LABELS_MAX = 127
/** (protocol) Values in one message, lists and maps too: a look at the state has no more, and each takes memory before it is looked at. */
export const IC_VALUES_MAX = 150_000
/** Body of a request: a message that fits a feed. */
export const IC_BODY_MAX_BYTES = 2 * MiB
/** Body of a query, which stands in no feed: the IC's own bound. */
export const IC_QUERY_BODY_MAX_BYTES = 4 * MiB
/** How long a call is held until its certificate is there; then clients poll. */
export const IC_HOLD_MAX_MS = 240_000
/** How long a look at a request waits for its slot to be evaluated: a node that starts tells again what it told before. */
export const IC_REPLAY_WAIT_MAX_MS = 10_000
/** Between two signatures of certificates under load: a signature takes about five, on a core that others want too. */
export const IC_SIGNING_PAUSE_MS = 12
/** Requests whose answer is kept at hand, for who asks again; older ones are looked up in the feed. */
export const IC_ANSWERS_MAX = 16_384
/** Bytes of the replies among them. */
export const IC_ANSWERS_MAX_BYTES = 64 * MiB
/** Canisters whose facts are kept at hand. */
export const IC_CANISTERS_MAX = 4096
/** Requests that canisters signed, which wait until that is checked. */
export const IC_CANISTER_SIGNED_PENDING_MAX = 64
/** How old the certificate of a canister's certified data may be that queries are shown; clients take five minutes. */
export const IC_DATA_CERTIFICATE_MAX_MS = 30_000
/** Body of a request to a page of a canister: a message that fits a feed, headers and all. */
export const IC_PAGE_REQUEST_MAX_BYTES = 2 * MiB - 64 * KiB
/** Body of a page of a canister that comes in pieces, each by a query of its own: a large download. */
export const IC_PAGE_MAX_BYTES = 1024 * MiB
/** Headers of such a page, and bytes of them: HTTP clients take no more by default. */
export const IC_PAGE_HEADERS_MAX = 64
export const IC_PAGE_HEADERS_MAX_BYTES = 16 * KiB
/** Slots behind a request that are looked through for its answer after a restart. */
export const IC_LOOKED_AT_MAX = 100_000
