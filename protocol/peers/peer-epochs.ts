import { readFeedPlace, writeFeedPlace } from '../epochs/epoch-hold.ts'
import { asProcessId } from '../ids.ts'
import { EPOCH_RECORD_MAX_BYTES, EPOCHS_MAX } from '../limits/limits.ts'
import { cborCodec, type PeerCodec, peerOperation, readCount, writeId } from './peer-operation.ts'
import { readId } from '../process/push.ts'

const ROOM_BYTES = 1024
/** All records, and one that the owner signed against one of them. */
const ITEMS_MAX = EPOCHS_MAX + 1
const itemCodec: PeerCodec<Uint8Array> = { encode: bytes => bytes, decode: bytes => bytes }

/** Rows of the table of what nodes ask each other: who schedules a process now. */
export const EPOCH_PEER_OPERATIONS = {
  epoch: peerOperation({
    summary: 'The signed item of the record by which a process was handed over',
    request: itemCodec,
    requestMaxBytes: EPOCH_RECORD_MAX_BYTES,
    answer: cborCodec<void>(
      writer => writer.null(),
      reader => void reader.null(),
    ),
    answerMaxBytes: ROOM_BYTES,
  }),
  epochs: peerOperation({
    summary:
      'The signed items of all epoch records of a process, that of epoch 1 first, and last one that its owner signed against one of them',
    request: cborCodec(writeId, reader => asProcessId(readId(reader))),
    requestMaxBytes: ROOM_BYTES,
    answer: cborCodec<readonly Uint8Array[]>(
      (writer, items) => {
        writer.array(items.length)
        for (const item of items) writer.bytes(item)
      },
      reader => Array.from({ length: readCount(reader, ITEMS_MAX) }, () => reader.bytes()),
    ),
    answerMaxBytes: ITEMS_MAX * EPOCH_RECORD_MAX_BYTES + ROOM_BYTES,
    atOnce: 16,
  }),
  holdEpoch: peerOperation({
    summary:
      'Its owner asks a scheduler to take nothing more of a process for a while; where its feed ends, null if it is not scheduled there',
    request: itemCodec,
    requestMaxBytes: EPOCH_RECORD_MAX_BYTES,
    answer: cborCodec(writeFeedPlace, readFeedPlace),
    answerMaxBytes: ROOM_BYTES,
  }),
} as const
