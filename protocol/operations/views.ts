import { z } from 'zod'
import { FAILURES, type FailureCode } from '../failures/failure.ts'
import { KeyId, MessageId, ModuleId, ProcessId, Slot } from '../ids.ts'
import { RESULT_STATUSES } from '../results/result.ts'
import { TagsView } from './assignment-view.ts'
import { ResultErrorView } from './trace-view.ts'
import { BigText, BytesText, named, type ValueOf } from '../codec/wire.ts'

export {
  AssignmentView,
  EnvelopeView,
  ItemOrPushView,
} from './assignment-view.ts'
export { type TraceNodeView, TraceView } from './trace-view.ts'

/** What operations show of the things of the network. Clients skip fields they do not know. */

const FAILURE_CODES = Object.keys(FAILURES) as FailureCode[]
const Milliseconds = z.int().nonnegative()

export const ProblemView = named(
  'Problem',
  'An RFC 9457 problem document.',
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(FAILURE_CODES),
    number: z.string(),
    next: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
    causes: z.array(z.string()),
    request: z.string().optional(),
  }),
)
export type ProblemView = ValueOf<typeof ProblemView>

export const ReceiptView = named(
  'Receipt',
  'This message is durable, in this slot.',
  z.object({
    id: MessageId,
    process: ProcessId,
    slot: Slot,
    timestampMs: Milliseconds,
  }),
)

export const ModuleAddedView = named('ModuleAdded', 'The module is known here now.', z.object({ module: ModuleId }))

/** What came of one item that was handed in. */
export const SubmittedView = z.union([ReceiptView, ModuleAddedView])
export type SubmittedView = ValueOf<typeof SubmittedView>

/** What came of one item of a bundle. */
export const BundledView = z.union([ReceiptView, ModuleAddedView, z.object({ problem: ProblemView })])
export type BundledView = ValueOf<typeof BundledView>

export const ModuleView = named(
  'Module',
  'A module as its signed item tells it.',
  z.object({
    id: ModuleId,
    owner: z.string(),
    format: z.string(),
    tags: TagsView,
    /** Absent in listings. */
    sizeBytes: z.int().nonnegative().optional(),
  }),
)
export type ModuleView = ValueOf<typeof ModuleView>

export const PolicyView = named(
  'Policy',
  'Who orders the messages of a process, and whose results count.',
  z.object({
    schedulers: z.array(KeyId),
    schedulerQuorum: z.int().positive(),
    computeUnits: z.array(KeyId),
    computeQuorum: z.int().positive(),
  }),
)

export const ProcessView = named(
  'Process',
  'All that a spawn message fixes for ever.',
  z.object({
    id: ProcessId,
    module: ModuleId,
    owner: z.string(),
    parent: ProcessId.optional(),
    tags: TagsView,
    policy: PolicyView,
    epoch: z.int().nonnegative(),
  }),
)
export type ProcessView = ValueOf<typeof ProcessView>

export const ProcessStateView = named(
  'ProcessState',
  'A process, its feeds, and how far they have come.',
  z.object({
    ...ProcessView.shape,
    /** Its owner may have replaced the module of its spawn. */
    moduleInForce: ModuleId,
    /** Key of the feed of assignments. */
    feedKey: BytesText,
    resultFeeds: z.array(z.object({ unit: KeyId, feedKey: BytesText })),
    /** Slots given so far (the next slot). */
    scheduled: Slot,
    /** Slots evaluated here so far. */
    evaluated: Slot,
  }),
)
export type ProcessStateView = ValueOf<typeof ProcessStateView>

export const OutboxEntryView = named(
  'OutboxEntry',
  'A message or spawn that a result asks for.',
  z.object({
    id: MessageId,
    kind: z.enum(['message', 'spawn']),
    to: z.string(),
    seq: z.int().nonnegative(),
    depth: z.int().nonnegative(),
    fuel: BigText,
    tags: TagsView,
    data: BytesText,
    anchor: BytesText.optional(),
  }),
)
export type OutboxEntryView = ValueOf<typeof OutboxEntryView>

export const ResultView = named(
  'Result',
  'What the evaluation of one slot gave.',
  z.object({
    process: ProcessId,
    slot: Slot,
    /** Absent for ticks and rejects, and for what was refused. */
    message: MessageId.optional(),
    status: z.enum(RESULT_STATUSES),
    gas: BigText,
    error: ResultErrorView.optional(),
    output: BytesText,
    log: z.string(),
    outbox: z.array(OutboxEntryView),
    /** Messages that shall stand in other feeds too. */
    assigns: z.array(z.object({ message: z.string(), process: z.string(), exclude: z.array(z.string()) })),
    dropped: z.array(z.string()),
    /** Enough compute units of the process attest it: nobody takes it back. */
    final: z.boolean(),
    /** Those that do, as far as this node has heard; how many must agree, and of how many. */
    attested: z.object({ by: z.array(KeyId), needed: z.int().positive(), of: z.int().positive() }),
  }),
)
export type ResultView = ValueOf<typeof ResultView>

const SignatureView = z.object({ unit: z.int().nonnegative(), signature: BytesText })

export const CertifiedView = named(
  'CertifiedResult',
  'A result with what proves it.',
  z.object({
    process: ProcessId,
    slot: Slot,
    /** The result as stored; its head is what the certificate covers. */
    result: BytesText,
    head: BytesText,
    path: z.array(z.array(BytesText)),
    certificate: BytesText,
    signatures: z.array(SignatureView),
  }),
)
export type CertifiedView = ValueOf<typeof CertifiedView>

export const FeedHeadView = named(
  'FeedHead',
  'What the scheduler of a process signed: the first blocks of its feed, in this order.',
  z.object({ length: z.int().positive(), signature: BytesText }),
)

export const CertificatesView = named(
  'Certificates',
  'Blocks of a results feed.',
  z.object({
    unit: KeyId,
    /** Blocks the feed has. */
    length: z.int().nonnegative(),
    certificates: z.array(
      z.object({
        block: z.int().nonnegative(),
        certificate: BytesText,
        signatures: z.array(SignatureView),
      }),
    ),
  }),
)
export type CertificatesView = ValueOf<typeof CertificatesView>

/** A message that is not signed and not kept: what a query asks. */
export const QueryBody = named(
  'Query',
  'A message for a dry-run.',
  z.strictObject({
    from: z.string().max(64).optional(),
    owner: z.string().max(64).optional(),
    tags: z
      .array(z.strictObject({ name: z.string(), value: z.string() }))
      .max(128)
      .optional(),
    data: BytesText.optional(),
    anchor: BytesText.optional(),
  }),
)

export const QueryView = named(
  'QueryAnswer',
  'What a dry-run gave.',
  z.object({
    /** The last slot it could see. */
    slot: Slot,
    status: z.enum(['ok', 'error']),
    gas: BigText,
    error: ResultErrorView.optional(),
    output: BytesText,
    log: z.string(),
  }),
)
export type QueryView = ValueOf<typeof QueryView>

export const PlacesView = named(
  'Places',
  'Where a message stands.',
  z.object({
    id: MessageId,
    places: z.array(z.object({ process: ProcessId, slot: Slot })),
  }),
)

export const NodeView = named(
  'Node',
  'A running set of units.',
  z.object({
    key: KeyId,
    version: z.string(),
    units: z.array(z.string()),
    /** Its name among peers, and where they reach it; absent, if it knows none. */
    peerId: z.string().optional(),
    addresses: z.array(z.string()).optional(),
    /** Nodes it is linked to. */
    peers: z.int().nonnegative().optional(),
    /** Whom to name as Scheduler. */
    scheduler: KeyId,
    /** Whom to name as Compute-Unit. */
    computeUnit: KeyId,
    /** Module-Format names this node runs. */
    formats: z.array(z.string()),
    startedMs: Milliseconds,
    uptimeMs: Milliseconds,
    limits: z.record(z.string(), z.union([z.number(), z.string()])),
  }),
)
export type NodeView = ValueOf<typeof NodeView>

export const FailureRowView = named(
  'FailureRow',
  'A failure that can happen.',
  z.object({
    code: z.string(),
    number: z.string(),
    blame: z.enum(['input', 'trust', 'transient', 'host']),
    status: z.int(),
    title: z.string(),
    next: z.string(),
  }),
)

export const AdminStatusView = named(
  'AdminStatus',
  'Facts about the node for those who run it.',
  z.object({
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
)
export type AdminStatusView = ValueOf<typeof AdminStatusView>
