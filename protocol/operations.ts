/**
 * The one table of operations. The gateway's routes, the calls of the SDK and the API description are made from it;
 * to add an operation, add a row and follow the compiler.
 */
import { z } from 'zod'
import { KeyId, MessageId, ModuleId, ProcessId } from './ids.ts'
import { BUNDLE_SIZE_MAX_BYTES, ITEM_SIZE_MAX_BYTES, JSON_BODY_MAX_BYTES, MODULE_SIZE_MAX_BYTES, PAGE_MAX, WAIT_MAX_MS } from './limits.ts'
import type { AnswerRow, BodyRow, ImplementationOfRow, InputOfRow, OperationRow, OutputOfRow } from './operation.ts'
import {
  AdminStatusView,
  AssignmentView,
  BundledView,
  CertificatesView,
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
import { BooleanText, BytesText, naturalText, PlaceText } from './wire.ts'

const none = z.strictObject({})
const process = z.strictObject({ process: ProcessId })
const message = z.strictObject({ message: MessageId })
const module = z.strictObject({ module: ModuleId })
const wait = { wait_ms: naturalText(WAIT_MAX_MS).optional() }
const slot = naturalText()
const range = { from: slot.optional(), limit: naturalText(PAGE_MAX).optional() }
const trace = { settled: BooleanText.optional(), process: ProcessId.optional() }

const json = <S extends z.ZodType>(schema: S) => ({ kind: 'json', schema }) as const satisfies AnswerRow
const bytes = (mediaType: string, what: string) => ({ kind: 'bytes', mediaType, what }) as const satisfies AnswerRow
const stream = <S extends z.ZodType>(schema: S, cursor?: string) => {
  return { kind: 'stream', schema, cursor } as const satisfies AnswerRow
}
const item = (limitBytes: number) => {
  return { kind: 'bytes', mediaType: ITEM_MEDIA_TYPE, limitBytes, what: 'One signed ANS-104 item.' } as const satisfies BodyRow
}

/** Media type of one signed item. */
export const ITEM_MEDIA_TYPE = 'application/octet-stream'
/** Media type of an ANS-104 bundle of items. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.atoll.bundle'
const CBOR = 'application/cbor'

export const OPERATIONS = {
  send: {
    method: 'POST', path: '/v1/messages', access: 'public', params: none, query: none,
    summary: 'Hand in one signed item of any Type; the answer comes when it is durable',
    body: item(ITEM_SIZE_MAX_BYTES),
    answer: json(SubmittedView),
  },
  sendBundle: {
    method: 'POST', path: '/v1/bundles', access: 'public', params: none, query: none,
    summary: 'Hand in many signed items at once; an answer for each, in order',
    body: { kind: 'bytes', mediaType: BUNDLE_MEDIA_TYPE, limitBytes: BUNDLE_SIZE_MAX_BYTES, what: 'An ANS-104 bundle.' },
    answer: json(z.array(BundledView)),
  },
  addModule: {
    method: 'POST', path: '/v1/modules', access: 'public', params: none, query: none,
    summary: 'Add a module by its signed item',
    body: item(MODULE_SIZE_MAX_BYTES),
    answer: json(ModuleAddedView),
  },
  listModules: {
    method: 'GET', path: '/v1/modules', access: 'public', params: none, body: undefined,
    query: z.strictObject({ after: ModuleId.optional(), limit: naturalText(PAGE_MAX).optional() }),
    summary: 'Modules known here, in order of their ids',
    answer: json(z.object({ modules: z.array(ModuleView), next: ModuleId.optional() })),
  },
  module: {
    method: 'GET', path: '/v1/modules/{module}', access: 'public', params: module, query: none, body: undefined,
    summary: 'One module',
    answer: json(ModuleView),
  },
  moduleItem: {
    method: 'GET', path: '/v1/modules/{module}/item', access: 'public', params: module, query: none, body: undefined,
    summary: 'The signed item of a module',
    answer: bytes(ITEM_MEDIA_TYPE, 'The signed ANS-104 item.'),
  },
  listProcesses: {
    method: 'GET', path: '/v1/processes', access: 'public', params: none, body: undefined,
    query: z.strictObject({ after: ProcessId.optional(), limit: naturalText(PAGE_MAX).optional() }),
    summary: 'Processes known here, in order of their ids',
    answer: json(z.object({ processes: z.array(ProcessView), next: ProcessId.optional() })),
  },
  process: {
    method: 'GET', path: '/v1/processes/{process}', access: 'public', params: process, query: none, body: undefined,
    summary: 'One process, its policy, its feeds, and how far they have come',
    answer: json(ProcessStateView),
  },
  spawnEnvelope: {
    method: 'GET', path: '/v1/processes/{process}/spawn', access: 'public', params: process, query: none, body: undefined,
    summary: 'The envelope in slot 0: all that is needed to check the rest',
    answer: bytes(CBOR, 'The encoded envelope.'),
  },
  listSlots: {
    method: 'GET', path: '/v1/processes/{process}/slots', access: 'public', params: process, body: undefined,
    query: z.strictObject(range),
    summary: 'Assignments in slot order',
    answer: json(z.object({ assignments: z.array(AssignmentView), next: z.int().nonnegative().optional() })),
  },
  slot: {
    method: 'GET', path: '/v1/processes/{process}/slots/{slot}', access: 'public', query: none, body: undefined,
    params: process.extend({ slot }),
    summary: 'What stands in a slot',
    answer: json(AssignmentView),
  },
  frames: {
    method: 'GET', path: '/v1/processes/{process}/frames', access: 'public', params: process, body: undefined,
    query: z.strictObject({ from_block: naturalText().optional(), limit: naturalText(PAGE_MAX).optional() }),
    summary: 'Blocks of the feed, byte for byte, to be checked offline',
    answer: bytes(CBOR, 'A page of blocks: [1, first block, length of the feed, [block, …]].'),
  },
  certificates: {
    method: 'GET', path: '/v1/processes/{process}/certificates', access: 'public', params: process, body: undefined,
    query: z.strictObject({
      from_block: naturalText().optional(), limit: naturalText(PAGE_MAX).optional(), unit: KeyId.optional(),
    }),
    summary: 'Blocks of the results feed of a compute unit, with the signatures known here',
    answer: json(CertificatesView),
  },
  listResults: {
    method: 'GET', path: '/v1/processes/{process}/results', access: 'public', params: process, body: undefined,
    query: z.strictObject({ ...range, to: slot.optional(), order: z.enum(['asc', 'desc']).optional() }),
    summary: 'Results of slots from `from` up to but not including `to`; `next` continues, as `from` or, descending, as `to`',
    answer: json(z.object({ results: z.array(ResultView), next: z.int().nonnegative().optional() })),
  },
  followResults: {
    method: 'GET', path: '/v1/processes/{process}/results/stream', access: 'public', params: process, body: undefined,
    query: z.strictObject({ from: slot.optional() }),
    summary: 'Results as they come; the id of an event is its slot',
    answer: stream(ResultView, 'slot'),
  },
  result: {
    method: 'GET', path: '/v1/processes/{process}/results/{at}', access: 'public', body: undefined,
    params: process.extend({ at: PlaceText }), query: z.strictObject(wait),
    summary: 'The result of a slot or of a message; waits until it is there',
    answer: json(ResultView),
  },
  certifiedResult: {
    method: 'GET', path: '/v1/processes/{process}/results/{at}/certified', access: 'public', body: undefined,
    params: process.extend({ at: PlaceText }), query: z.strictObject(wait),
    summary: 'A result with its certificate, Merkle path and signatures',
    answer: json(CertifiedView),
  },
  query: {
    method: 'POST', path: '/v1/processes/{process}/query', access: 'public', params: process,
    query: z.strictObject(wait),
    summary: 'Evaluate a message without giving it a slot; nothing is kept',
    body: { kind: 'json', schema: QueryBody, limitBytes: JSON_BODY_MAX_BYTES },
    answer: json(QueryView),
  },
  cell: {
    method: 'GET', path: '/v1/processes/{process}/cells/{key}', access: 'public', query: none, body: undefined,
    params: process.extend({ key: BytesText }),
    summary: 'The value of a cell after the last evaluated slot',
    answer: bytes('application/octet-stream', 'The value.'),
  },
  message: {
    method: 'GET', path: '/v1/messages/{message}', access: 'public', params: message, query: none, body: undefined,
    summary: 'Every place in which a message stands',
    answer: json(PlacesView),
  },
  trace: {
    method: 'GET', path: '/v1/messages/{message}/trace', access: 'public', params: message, body: undefined,
    query: z.strictObject({ ...trace, ...wait }),
    summary: 'One message and all that it caused, as far as it has grown or, with `settled`, whole',
    answer: json(TraceView),
  },
  followTrace: {
    method: 'GET', path: '/v1/messages/{message}/trace/stream', access: 'public', params: message, body: undefined,
    query: z.strictObject({ process: ProcessId.optional() }),
    summary: 'The tree of a message each time it has grown, until it is settled',
    answer: stream(TraceView),
  },
  node: {
    method: 'GET', path: '/v1/node', access: 'public', params: none, query: none, body: undefined,
    summary: 'Keys, version, units, formats and limits of this node',
    answer: json(NodeView),
  },
  failures: {
    method: 'GET', path: '/v1/failures', access: 'public', params: none, query: none, body: undefined,
    summary: 'Every failure that can happen, and what to do next',
    answer: json(z.object({ failures: z.array(FailureRowView) })),
  },
  adminStatus: {
    method: 'GET', path: '/v1/admin/status', access: 'admin', params: none, query: none, body: undefined,
    summary: 'Facts about the node for those who run it',
    answer: json(AdminStatusView),
  },
  adminCheckpoint: {
    method: 'POST', path: '/v1/admin/checkpoint', access: 'admin', params: none, body: undefined,
    query: z.strictObject({ process: ProcessId.optional() }),
    summary: 'Write checkpoints now, of one process or of all in memory',
    answer: json(z.object({ checkpoints: z.int().nonnegative() })),
  },
  adminShutdown: {
    method: 'POST', path: '/v1/admin/shutdown', access: 'admin', params: none, query: none, body: undefined,
    summary: 'Drain and stop the node',
    answer: json(z.object({ stopping: z.literal(true) })),
  },
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
export type Operations = { readonly [N in OperationName]: ImplementationOfRow<(typeof OPERATIONS)[N]> }

/** The row of an operation, without its own types. */
export function rowOf(name: OperationName): OperationRow {
  return OPERATIONS[name]
}

/** The names of all operations, in the order of the table. */
export const OPERATION_NAMES: readonly OperationName[] = Object.keys(OPERATIONS) as OperationName[]
