// Bounds of the face that clients of AO and of Arweave gateways see.

const KiB = 1024
const MiB = 1024 * KiB

/** Results or messages in a page when the client names no number: AO's own. */
export const AO_RESULTS_PER_PAGE = 25
/** Cron results in a page when the client names no number: AO's own. */
export const AO_CRONS_PER_PAGE = 500
/** Entries of a feed in a page when the client names no number: AO's own. */
export const AO_ENTRIES_PER_PAGE = 100
/** How long a listing of results waits for what stands in the feed and is not evaluated yet. */
export const AO_CATCH_UP_MS = 5_000
/** Slots looked through before a page that holds something is sent: what failed is left out of pages. */
export const AO_SLOTS_LOOKED_AT_MAX = 20_000
/** What a process published of its state, as it lies in memory: the balances of a hundred thousand. */
export const AO_PUBLISHED_MAX_BYTES = 32 * MiB
/** Maps and lists in maps and lists there: they are followed by functions that call themselves. */
export const AO_PUBLISHED_DEPTH_MAX = 256
/** What is held of all processes that were asked for what they published; it follows from their results at any time. */
export const AO_PUBLISHED_HELD_MAX_BYTES = 4 * AO_PUBLISHED_MAX_BYTES
/** Names of a map among which one is found in any case: all of them are compared. */
export const AO_NAMES_ANY_CASE_MAX = 1024
/** Body of a GraphQL question: a page of text. */
export const GRAPHQL_BODY_MAX_BYTES = 256 * KiB
/** Words and marks of a GraphQL question. */
export const GRAPHQL_TOKENS_MAX = 4096
/** Fields and fragments of a GraphQL document, fragments wherever they are named: ten questions for all of a transaction. */
export const GRAPHQL_FIELDS_MAX = 512
/** Fields inside of fields: a transaction's own are four to five deep. */
export const GRAPHQL_DEPTH_MAX = 8
/** What a GraphQL question is answered with: hundreds of whole transactions. */
export const GRAPHQL_ANSWER_MAX_BYTES = 8 * MiB
/** Fields of a GraphQL question that are answered. */
export const GRAPHQL_QUESTIONS_MAX = 10
/** Nodes in a page when the client names no number: an Arweave gateway's own. */
export const GRAPHQL_PER_PAGE = 10
/** Nodes in a page, and ids in one question: an Arweave gateway's own. */
export const GRAPHQL_PER_PAGE_MAX = 100
/** Processes and modules one request looks through: there is no index by tag. */
export const GRAPHQL_LOOKED_AT_MAX = 50_000
/** Processes in whose feeds messages are looked for, where no recipients are named: each is opened. */
export const GRAPHQL_FEEDS_LOOKED_AT_MAX = 1_000
/** Messages and spawns one request reads, and feeds it opens: there is no index by sender or tag. */
export const GRAPHQL_ITEMS_READ_MAX = 10_000
/** Bytes of feeds and modules one request reads for that: seconds of work. */
export const GRAPHQL_BYTES_READ_MAX = 128 * MiB
