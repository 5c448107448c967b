/** Bounds of proofs and evidence: part of the table in limits.ts. */

const KiB = 1024
const MiB = 1024 * KiB

/** Spawn messages of ancestors that prove what a process is: each is about a kilobyte of every proof. */
export const LINEAGE_MAX = 256
/** A proof of one result, with message and output if they are brought along. */
export const PROOF_SIZE_MAX_BYTES = 8 * MiB
/** A piece of evidence: a complaint has the item in it. */
export const EVIDENCE_SIZE_MAX_BYTES = 2 * MiB + 64 * KiB
/** Pieces of evidence of one kind that a node keeps for one process: one is enough to act upon, and people read the rest. */
export const EVIDENCE_PER_PROCESS_MAX = 64
/** Bytes of all complaints that a node keeps in memory: each has an item in it, anybody can make one, and none changes anything. */
export const COMPLAINTS_MAX_BYTES = 32 * MiB
/** Bytes of what else a node keeps of processes of which it has no feed: anybody can make a process, and sign two feeds of it. */
export const EVIDENCE_ELSEWHERE_MAX_BYTES = 8 * MiB
/** Complaints that are named in one question, 34 bytes each. */
export const COMPLAINTS_NAMED_MAX = 1_024
/** Complaints that a node is told of when it is met. */
export const COMPLAINTS_TOLD_MAX = 16
/** A scheduler that gave no receipt for so long is complained about. */
export const RECEIPT_DEADLINE_MS = 10_000
/** Messages without a receipt that a node has an eye on. */
export const UNANSWERED_MAX = 1_024
/** Nodes show each other how far feeds have come in rounds of this length: two feeds of one key are to meet within five seconds. */
export const HEADS_EVERY_MS = 1_500
/** Heads in one message, some 300 bytes each. */
export const HEADS_TOGETHER_MAX = 256
/** Feeds that are shown in one round, and to a node that is met. */
export const HEADS_HELD_MAX = 16_384
