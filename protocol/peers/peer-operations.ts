/**
 * What nodes ask each other, over one stream for each pair of them: the one table. To add an operation, add a row
 * and follow the compiler: the service of node/peers/peer-service.ts must carry it out. Bytes: docs/protocol/peers.md.
 */
import {
  decodeCoSignAnswer,
  decodeCoSignRequest,
  encodeCoSignAnswer,
  encodeCoSignRequest,
} from '../epochs/co-signing.ts'
import {
  asKeyId,
  asMessageId,
  asModuleId,
  asProcessId,
  type KeyId,
  type MessageId,
  type ModuleId,
  type ProcessId,
} from '../ids.ts'
import {
  COMPLAINTS_NAMED_MAX,
  EVIDENCE_SIZE_MAX_BYTES,
  HEADS_TOGETHER_MAX,
  BUNDLE_SIZE_MAX_BYTES,
  CO_SIGNED_BLOCKS_MAX,
  FRAME_SIZE_BYTES,
  ITEM_SIZE_MAX_BYTES,
  MODULE_SIZE_MAX_BYTES,
  PAGE_SIZE_MAX_BYTES,
  PEER_BLOCKS_MAX_BYTES,
  PEER_RECORD_MAX_BYTES,
  PEER_RECORDS_ASKED_MAX,
  PEER_RECORDS_TOGETHER_MAX,
  PEER_SCHEDULE_MAX_BYTES,
} from '../limits/limits.ts'
import { maybeBytesCodec, rawCodec, signedBlocksCodec } from './peer-blocks.ts'
import { nativeCallCodec } from './peer-call.ts'
import {
  cborCodec,
  type PeerCall,
  type PeerCodec,
  peerOperation,
  peerStream,
  type PeerOperationRow,
  readCount,
  writeId,
} from './peer-operation.ts'
import { EPOCH_PEER_OPERATIONS } from './peer-epochs.ts'
import { complaintIdsCodec, evidenceCodec, headsCodec, maybePrefixCodec, prefixWishCodec } from './peer-heads.ts'
import { scheduleAnswersCodec, scheduleRequestsCodec } from './peer-schedule.ts'
import { traceCodec, tracePlaceCodec } from './peer-trace.ts'
import { framePlaceCodec, UNIT_PEER_OPERATIONS } from './peer-units.ts'
import { readId } from '../process/push.ts'

/** An envelope with all its proofs: an item or the body of a push, and what stands around it. */
const ENVELOPE_MAX_BYTES = 2 * ITEM_SIZE_MAX_BYTES
const SMALL_MAX_BYTES = 1024
/** As many frames as one proposal has, or one frame of one large message. */
const CO_SIGN_MAX_BYTES = CO_SIGNED_BLOCKS_MAX * FRAME_SIZE_BYTES + ENVELOPE_MAX_BYTES + SMALL_MAX_BYTES
/** A prefix of a feed with two subtrees for each bit of its length, and the signatures of several. */
const HEAD_MAX_BYTES = 32 * SMALL_MAX_BYTES
/** A page of results in JSON, its bytes as base64url. */
const NATIVE_ANSWER_MAX_BYTES = 2 * PAGE_SIZE_MAX_BYTES
/** A tree of as many messages as are followed. */
const TRACE_MAX_BYTES = 8_388_608

const processCodec: PeerCodec<ProcessId> = cborCodec(writeId, reader => asProcessId(readId(reader)))
const principalCodec: PeerCodec<Uint8Array> = cborCodec(
  (writer, principal) => writer.bytes(principal),
  reader => reader.bytes(),
)
/** Processes in one announcement, and an id with what is around it. */
const [ANNOUNCED_MAX, ID_MAX_BYTES] = [1_000, 40]
const processesCodec: PeerCodec<readonly ProcessId[]> = cborCodec(
  (writer, processes) => {
    writer.array(processes.length)
    for (const process of processes) writeId(writer, process)
  },
  reader => Array.from({ length: readCount(reader, ANNOUNCED_MAX) }, () => asProcessId(readId(reader))),
)
const nothingCodec: PeerCodec<void> = cborCodec(
  writer => writer.null(),
  reader => void reader.null(),
)
const recordsCodec: PeerCodec<readonly Uint8Array[]> = cborCodec(
  (writer, records) => {
    writer.array(records.length)
    for (const record of records) writer.bytes(record)
  },
  reader => Array.from({ length: readCount(reader, PEER_RECORDS_TOGETHER_MAX) }, () => reader.bytes()),
)
const keysCodec: PeerCodec<readonly KeyId[]> = cborCodec(
  (writer, keys) => {
    writer.array(keys.length)
    for (const key of keys) writeId(writer, key)
  },
  reader => Array.from({ length: readCount(reader, PEER_RECORDS_ASKED_MAX) }, () => asKeyId(readId(reader))),
)
const requestCodec: PeerCodec<MessageId> = cborCodec(writeId, reader => asMessageId(readId(reader)))
const moduleCodec: PeerCodec<ModuleId> = cborCodec(writeId, reader => asModuleId(readId(reader)))
export const PEER_OPERATIONS = {
  schedule: peerOperation({
    summary: 'Give messages their slots; answers in the same order',
    request: scheduleRequestsCodec,
    requestMaxBytes: PEER_SCHEDULE_MAX_BYTES + ENVELOPE_MAX_BYTES,
    answer: scheduleAnswersCodec,
    answerMaxBytes: PEER_SCHEDULE_MAX_BYTES,
  }),
  spawnEnvelope: peerOperation({
    summary: 'The encoded envelope of slot 0 of a process',
    request: processCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: maybeBytesCodec,
    answerMaxBytes: ENVELOPE_MAX_BYTES,
    atOnce: 16,
  }),
  canister: peerOperation({
    summary: 'The encoded envelope of slot 0 of the process that a principal names',
    request: principalCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: maybeBytesCodec,
    answerMaxBytes: ENVELOPE_MAX_BYTES,
    atOnce: 16,
  }),
  made: peerOperation({
    summary: 'The encoded envelope of slot 0 of the canister that a request made; null if it made none here',
    request: requestCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: maybeBytesCodec,
    answerMaxBytes: ENVELOPE_MAX_BYTES,
    atOnce: 64,
  }),
  moduleItem: peerOperation({
    summary: 'The signed item of a module',
    request: moduleCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: maybeBytesCodec,
    answerMaxBytes: MODULE_SIZE_MAX_BYTES + SMALL_MAX_BYTES,
    atOnce: 2,
  }),
  frames: peerOperation({
    summary: 'Blocks of the message feed of a process from one on, with their signed head; null if there are no more',
    request: framePlaceCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: signedBlocksCodec,
    answerMaxBytes: PEER_BLOCKS_MAX_BYTES + ENVELOPE_MAX_BYTES,
    atOnce: 4,
  }),
  announce: peerOperation({
    summary: 'These processes name the node that is told; their spawn messages prove it',
    request: processesCodec,
    requestMaxBytes: ANNOUNCED_MAX * ID_MAX_BYTES + SMALL_MAX_BYTES,
    answer: nothingCodec,
    answerMaxBytes: SMALL_MAX_BYTES,
  }),
  records: peerOperation({
    summary: 'Records that nodes signed of themselves: of the nodes that are named, or the newest if none is',
    request: keysCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: recordsCodec,
    answerMaxBytes: PEER_RECORDS_TOGETHER_MAX * PEER_RECORD_MAX_BYTES + SMALL_MAX_BYTES,
  }),
  coSign: peerOperation({
    summary: 'What the schedulers of one process ask each other',
    request: { encode: encodeCoSignRequest, decode: decodeCoSignRequest },
    requestMaxBytes: CO_SIGN_MAX_BYTES,
    answer: { encode: encodeCoSignAnswer, decode: decodeCoSignAnswer },
    answerMaxBytes: CO_SIGN_MAX_BYTES,
  }),
  heads: peerOperation({
    summary: 'What a node holds of feeds, to be compared',
    request: headsCodec,
    requestMaxBytes: HEADS_TOGETHER_MAX * HEAD_MAX_BYTES,
    answer: nothingCodec,
    answerMaxBytes: SMALL_MAX_BYTES,
  }),
  prefix: peerOperation({
    summary: 'The tree of the first blocks of a feed, under a head that covers it; null if fewer are held',
    request: prefixWishCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: maybePrefixCodec,
    answerMaxBytes: HEAD_MAX_BYTES,
  }),
  evidence: peerOperation({
    summary: 'Something that shows that somebody broke the rules',
    request: evidenceCodec,
    requestMaxBytes: EVIDENCE_SIZE_MAX_BYTES,
    answer: nothingCodec,
    answerMaxBytes: SMALL_MAX_BYTES,
  }),
  lackedComplaints: peerOperation({
    summary: 'Those of the complaints that are named which a node lacks, and wants of whoever asks',
    request: complaintIdsCodec,
    requestMaxBytes: COMPLAINTS_NAMED_MAX * ID_MAX_BYTES + SMALL_MAX_BYTES,
    answer: complaintIdsCodec,
    answerMaxBytes: COMPLAINTS_NAMED_MAX * ID_MAX_BYTES + SMALL_MAX_BYTES,
  }),
  trace: peerOperation({
    summary: 'The tree below a message of a process that is scheduled here, as far as it has grown',
    request: tracePlaceCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: traceCodec,
    // Not bounded by `atOnce`: a tree goes back and forth between two nodes, and each of its steps waits for the next.
    answerMaxBytes: TRACE_MAX_BYTES,
  }),
  ...UNIT_PEER_OPERATIONS,
  ...EPOCH_PEER_OPERATIONS,
  call: peerOperation({
    summary: 'An operation of the native API that needs no admin token, by its name',
    request: nativeCallCodec,
    requestMaxBytes: BUNDLE_SIZE_MAX_BYTES + SMALL_MAX_BYTES,
    answer: rawCodec,
    answerMaxBytes: NATIVE_ANSWER_MAX_BYTES,
    atOnce: 512,
  }),
  follow: peerStream({
    summary: 'The same for those that give values until the caller ends it',
    request: nativeCallCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: rawCodec,
    answerMaxBytes: NATIVE_ANSWER_MAX_BYTES,
    atOnce: 512,
  }),
} as const

type Table = typeof PEER_OPERATIONS
export type PeerOperationName = keyof Table
export type PeerRequest<N extends PeerOperationName> = Table[N] extends PeerOperationRow<infer R, infer _> ? R : never
export type PeerAnswer<N extends PeerOperationName> = Table[N] extends PeerOperationRow<infer _, infer A> ? A : never
/** Operations that give many answers. */
export type PeerStreamName = {
  [N in PeerOperationName]: Table[N]['answers'] extends 'many' ? N : never
}[PeerOperationName]

/** Every operation, carried out for whoever asks. @throws {Failure} */
export type PeerOperations = {
  readonly [N in PeerOperationName]: (
    request: PeerRequest<N>,
    call: PeerCall,
  ) => N extends PeerStreamName ? AsyncIterable<PeerAnswer<N>> : Promise<PeerAnswer<N>>
}

/** The row of an operation without its own types, if there is one of that name. */
export function peerRowOf(name: string): PeerOperationRow | undefined {
  return Object.hasOwn(PEER_OPERATIONS, name) ? (PEER_OPERATIONS as Record<string, PeerOperationRow>)[name] : undefined
}
