/**
 * The one table of operations. The gateway's routes, the calls of the SDK and the API description are made from it;
 * to add an operation, add a row and follow the compiler.
 */
import { z } from 'zod'
import { KeyId, MessageId, ModuleId, ProcessId } from '../ids.ts'
import {
  BUNDLE_SIZE_MAX_BYTES,
  ITEM_SIZE_MAX_BYTES,
  JSON_BODY_MAX_BYTES,
  MODULE_SIZE_MAX_BYTES,
  PAGE_MAX,
  WAIT_MAX_MS,
} from '../limits/limits.ts'
import { ADMIN_OPERATIONS } from './admin-operations.ts'
import { EPOCH_OPERATIONS } from './epoch-operations.ts'
import { LIFECYCLE_OPERATIONS } from './lifecycle-operations.ts'
import type { ImplementationOfRow, InputOfRow, OperationRow, OutputOfRow } from './operation.ts'
import { PROOF_OPERATIONS } from './proof-operations.ts'
import {
  AssignmentView,
  BundledView,
  CertificatesView,
  FeedHeadView,
  CertifiedView,
  FailureRowView,
  ModuleAddedView,
  ModuleView,
  NodeView,
  PlacesView,
  ProcessStateView,
  ProcessView,
  QueryBody,
  QueryView,
  ResultView,
  SubmittedView,
  TraceView,
} from './views.ts'
import { bundle, bytes, CBOR_MEDIA_TYPE, item, ITEM_MEDIA_TYPE, json, read, stream, write } from './operation-shapes.ts'
import { BooleanText, BytesText, naturalText, PlaceText } from '../codec/wire.ts'

const process = z.strictObject({ process: ProcessId })
const message = z.strictObject({ message: MessageId })
const module = z.strictObject({ module: ModuleId })
const wait = { wait_ms: naturalText(WAIT_MAX_MS).optional() }
const slot = naturalText()
const limit = naturalText(PAGE_MAX).optional()
const range = { from: slot.optional(), limit }
const trace = { settled: BooleanText.optional(), process: ProcessId.optional() }
const order = z.enum(['asc', 'desc']).optional()
const blocks = { from_block: naturalText().optional(), limit }

export { BUNDLE_MEDIA_TYPE, ITEM_MEDIA_TYPE } from './operation-shapes.ts'

export const OPERATIONS = {
  send: {
    ...write,
    path: '/v1/messages',
    summary: 'Hand in one signed item of any Type; the answer comes when it is durable',
    body: item(ITEM_SIZE_MAX_BYTES),
    answer: json(SubmittedView),
  },
  sendBundle: {
    ...write,
    path: '/v1/bundles',
    summary: 'Hand in many signed items at once; an answer for each, in order',
    body: bundle(BUNDLE_SIZE_MAX_BYTES),
    answer: json(z.array(BundledView)),
  },
  addModule: {
    ...write,
    path: '/v1/modules',
    summary: 'Add a module by its signed item',
    body: item(MODULE_SIZE_MAX_BYTES),
    answer: json(ModuleAddedView),
  },
  listModules: {
    ...read,
    path: '/v1/modules',
    query: z.strictObject({ after: ModuleId.optional(), limit }),
    summary: 'Modules known here, in order of their ids',
    answer: json(z.object({ modules: z.array(ModuleView), next: ModuleId.optional() })),
  },
  module: {
    ...read,
    path: '/v1/modules/{module}',
    params: module,
    summary: 'One module',
    answer: json(ModuleView),
  },
  moduleItem: {
    ...read,
    path: '/v1/modules/{module}/item',
    params: module,
    summary: 'The signed item of a module',
    answer: bytes(ITEM_MEDIA_TYPE, 'The signed ANS-104 item.'),
  },
  listProcesses: {
    ...read,
    path: '/v1/processes',
    query: z.strictObject({ after: ProcessId.optional(), limit }),
    summary: 'Processes known here, in order of their ids',
    answer: json(z.object({ processes: z.array(ProcessView), next: ProcessId.optional() })),
  },
  process: {
    ...read,
    path: '/v1/processes/{process}',
    params: process,
    summary: 'One process, its policy, its feeds, and how far they have come',
    answer: json(ProcessStateView),
  },
  spawnEnvelope: {
    ...read,
    path: '/v1/processes/{process}/spawn',
    params: process,
    summary: 'The envelope in slot 0: all that is needed to check the rest',
    answer: bytes(CBOR_MEDIA_TYPE, 'The encoded envelope.'),
  },
  listSlots: {
    ...read,
    path: '/v1/processes/{process}/slots',
    params: process,
    query: z.strictObject(range),
    summary: 'Assignments in slot order',
    answer: json(z.object({ assignments: z.array(AssignmentView), next: z.int().nonnegative().optional() })),
  },
  slot: {
    ...read,
    path: '/v1/processes/{process}/slots/{slot}',
    params: process.extend({ slot }),
    summary: 'What stands in a slot',
    answer: json(AssignmentView),
  },
  frames: {
    ...read,
    path: '/v1/processes/{process}/frames',
    params: process,
    query: z.strictObject(blocks),
    summary: 'Blocks of the feed, byte for byte, to be checked offline',
    answer: bytes(CBOR_MEDIA_TYPE, 'A page of blocks: [1, first block, length of the feed, [block, …]].'),
  },
  feedHead: {
    ...read,
    path: '/v1/processes/{process}/head',
    params: process,
    summary: 'The signature of the scheduler over the feed as far as it has come',
    answer: json(FeedHeadView),
  },
  certificates: {
    ...read,
    path: '/v1/processes/{process}/certificates',
    params: process,
    query: z.strictObject({ ...blocks, unit: KeyId.optional() }),
    summary: 'Blocks of the results feed of a compute unit, with the signatures known here',
    answer: json(CertificatesView),
  },
  listResults: {
    ...read,
    path: '/v1/processes/{process}/results',
    params: process,
    query: z.strictObject({ ...range, to: slot.optional(), order }),
    summary:
      'Results of slots from `from` up to but not including `to`; `next` continues, as `from` or, descending, as `to`',
    answer: json(z.object({ results: z.array(ResultView), next: z.int().nonnegative().optional() })),
  },
  followResults: {
    ...read,
    path: '/v1/processes/{process}/results/stream',
    params: process,
    query: z.strictObject({ from: slot.optional(), settling: BooleanText.optional() }),
    summary:
      'Results as they come; the id of an event is its slot. `settling=true` leaves out those that do not end a message of an earlier slot, but for one now and then, so that the cursor moves on',
    answer: stream(ResultView, 'slot'),
  },
  result: {
    ...read,
    path: '/v1/processes/{process}/results/{at}',
    params: process.extend({ at: PlaceText }),
    query: z.strictObject({ ...wait, final: BooleanText.optional() }),
    summary:
      'The result of a slot or of a message; waits until it is there and, unless `final=false`, as many compute units as the process asks for attest it',
    answer: json(ResultView),
  },
  certifiedResult: {
    ...read,
    path: '/v1/processes/{process}/results/{at}/certified',
    params: process.extend({ at: PlaceText }),
    query: z.strictObject(wait),
    summary: 'A result with its certificate, Merkle path and signatures',
    answer: json(CertifiedView),
  },
  query: {
    ...write,
    path: '/v1/processes/{process}/query',
    params: process,
    query: z.strictObject({ at: slot.optional(), ...wait }),
    summary: 'Evaluate a message without giving it a slot, now or as of a slot; nothing is kept',
    body: { kind: 'json', schema: QueryBody, limitBytes: JSON_BODY_MAX_BYTES },
    answer: json(QueryView),
  },
  ...LIFECYCLE_OPERATIONS,
  ...PROOF_OPERATIONS,
  ...EPOCH_OPERATIONS,
  cell: {
    ...read,
    path: '/v1/processes/{process}/cells/{key}',
    params: process.extend({ key: BytesText }),
    summary: 'The value of a cell after the last evaluated slot',
    answer: bytes(ITEM_MEDIA_TYPE, 'The value.'),
  },
  message: {
    ...read,
    path: '/v1/messages/{message}',
    params: message,
    summary: 'Every place in which a message stands',
    answer: json(PlacesView),
  },
  trace: {
    ...read,
    path: '/v1/messages/{message}/trace',
    params: message,
    query: z.strictObject({ ...trace, ...wait }),
    summary: 'One message and all that it caused, as far as it has grown or, with `settled`, whole',
    answer: json(TraceView),
  },
  followTrace: {
    ...read,
    path: '/v1/messages/{message}/trace/stream',
    params: message,
    query: z.strictObject({ process: ProcessId.optional() }),
    summary: 'The tree of a message each time it has grown, until it is settled',
    answer: stream(TraceView),
  },
  node: {
    ...read,
    path: '/v1/node',
    summary: 'Keys, version, units, formats and limits of this node',
    answer: json(NodeView),
  },
  failures: {
    ...read,
    path: '/v1/failures',
    summary: 'Every failure that can happen, and what to do next',
    answer: json(z.object({ failures: z.array(FailureRowView) })),
  },
  ...ADMIN_OPERATIONS,
} as const satisfies Record<string, OperationRow>

export type OperationName = keyof typeof OPERATIONS

/** Operations that give values until the caller ends it. */
export type StreamName = {
  [N in OperationName]: (typeof OPERATIONS)[N]['answer'] extends { readonly kind: 'stream' } ? N : never
}[OperationName]

/** Operations that give one answer. */
export type RequestName = Exclude<OperationName, StreamName>

export type OperationInput<N extends OperationName> = InputOfRow<(typeof OPERATIONS)[N]>
export type OperationOutput<N extends OperationName> = OutputOfRow<(typeof OPERATIONS)[N]>

/** Every operation, carried out: what a gateway serves, and a client in the same program calls. */
export type Operations = {
  readonly [N in OperationName]: ImplementationOfRow<(typeof OPERATIONS)[N]>
}

/** The row of an operation, without its own types. */
export function rowOf(name: OperationName): OperationRow {
  return OPERATIONS[name]
}

/** The names of all operations, in the order of the table. */
export const OPERATION_NAMES: readonly OperationName[] = Object.keys(OPERATIONS) as OperationName[]
