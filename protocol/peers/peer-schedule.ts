import { MalformedBytes } from '../codec/bytes.ts'
import type { CborReader, CborWriter } from '../codec/cbor.ts'
import { decodeFailure, encodeFailure } from '../failures/failure-code.ts'
import { decodeEnvelope, encodeEnvelope } from '../feeds/frame.ts'
import { asMessageId, asProcessId } from '../ids.ts'
import { PEER_SCHEDULE_MAX } from '../limits/limits.ts'
import { cborCodec, expectFields, type PeerCodec, readCount, writeId } from './peer-operation.ts'
import type { ScheduleAnswer, ScheduleRequest } from '../ports.ts'
import { readId, readSmall } from '../process/push.ts'

/** `[[process, envelope as bytes], …]`. */
export const scheduleRequestsCodec: PeerCodec<readonly ScheduleRequest[]> = cborCodec(
  (writer, requests) => {
    writer.array(requests.length)
    for (const { process, envelope } of requests) {
      writer.array(2)
      writeId(writer, process)
      writer.bytes(encodeEnvelope(envelope))
    }
  },
  reader => Array.from({ length: readCount(reader, PEER_SCHEDULE_MAX) }, () => readRequest(reader)),
)

function readRequest(reader: CborReader): ScheduleRequest {
  expectFields(reader, 2)
  return { process: asProcessId(readId(reader)), envelope: decodeEnvelope(reader.bytes()) }
}

const STATUSES = ['scheduled', 'known', 'duplicate', 'gap', 'failed'] as const

/** `[[0 or 1, id, process, slot, time in ms] | [2] | [3, expected seq] | [4, failure as bytes], …]`. */
export const scheduleAnswersCodec: PeerCodec<readonly ScheduleAnswer[]> = cborCodec(
  (writer, answers) => {
    writer.array(answers.length)
    for (const answer of answers) writeAnswer(writer, answer)
  },
  reader => Array.from({ length: readCount(reader, PEER_SCHEDULE_MAX) }, () => readAnswer(reader)),
)

function writeAnswer(writer: CborWriter, answer: ScheduleAnswer): void {
  const begin = (fields: number): void => {
    writer.array(fields)
    writer.uint(STATUSES.indexOf(answer.status))
  }
  switch (answer.status) {
    case 'scheduled':
    case 'known':
      begin(5)
      writeId(writer, answer.receipt.id)
      writeId(writer, answer.receipt.process)
      writer.uint(answer.receipt.slot)
      writer.uint(answer.receipt.timestampMs)
      return
    case 'duplicate':
      return begin(1)
    case 'gap':
      begin(2)
      writer.uint(answer.expectedSeq)
      return
    case 'failed':
      begin(2)
      writer.bytes(encodeFailure(answer.failure))
  }
}

function readAnswer(reader: CborReader): ScheduleAnswer {
  const start = reader.offset
  const fields = reader.array()
  const status = STATUSES[readSmall(reader)]
  const expect = (count: number): void => {
    if (fields !== count) throw new MalformedBytes(`expected ${count} fields`, start)
  }
  switch (status) {
    case 'scheduled':
    case 'known': {
      expect(5)
      const [id, process] = [asMessageId(readId(reader)), asProcessId(readId(reader))]
      return {
        status,
        receipt: { id, process, slot: readSmall(reader), timestampMs: readSmall(reader) },
      }
    }
    case 'duplicate':
      expect(1)
      return { status }
    case 'gap':
      expect(2)
      return { status, expectedSeq: readSmall(reader) }
    case 'failed':
      expect(2)
      return { status, failure: decodeFailure(reader.bytes()) }
    default:
      throw new MalformedBytes('an answer of an unknown kind', start)
  }
}
