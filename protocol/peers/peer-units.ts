import {
  type Attestation,
  decodeAttestations,
  decodeFinalFrames,
  encodeAttestations,
  encodeFinalFrames,
} from '../results/attestation.ts'
import { MalformedBytes } from '../codec/bytes.ts'
import { asProcessId, type ProcessId, type Slot } from '../ids.ts'
import { cborCodec, expectFields, type PeerCodec, peerOperation, writeId } from './peer-operation.ts'
import { rawCodec } from './peer-blocks.ts'
import { readId, readSmall } from '../process/push.ts'
import { decodeUnitRead, encodeUnitRead, type UnitRead } from './unit-read.ts'

const SMALL_MAX_BYTES = 1024
/** A page of attestations of a few hundred bytes each. */
const ATTESTATIONS_MAX_BYTES = 2 * 1024 * 1024
/** Some frames, or one whose results are as large as they may be. */
const FINAL_FRAMES_MAX_BYTES = 64 * 1024 * 1024
/** A document of state, or the output of a query. */
const READING_MAX_BYTES = 32 * 1024 * 1024

const processCodec: PeerCodec<ProcessId> = cborCodec(writeId, reader => asProcessId(readId(reader)))
const attestationsCodec: PeerCodec<readonly Attestation[]> = {
  encode: encodeAttestations,
  decode: decodeAttestations,
}

/** `[]`: it was heard. */
const nothingCodec: PeerCodec<undefined> = cborCodec(
  writer => writer.array(0),
  reader => void expectFields(reader, 0),
)

/** `[process, from]`: where in its feed, or in what came of it. */
export const framePlaceCodec = cborCodec<{ readonly process: ProcessId; readonly from: number }>(
  (writer, { process, from }) => {
    writer.array(2)
    writeId(writer, process)
    writer.uint(from)
  },
  reader => {
    expectFields(reader, 2)
    return { process: asProcessId(readId(reader)), from: readSmall(reader) }
  },
)

/** `[process, encoded]`, the second as `inner` has it. */
function about<T>(inner: PeerCodec<T>): PeerCodec<{ readonly process: ProcessId; readonly what: T }> {
  return cborCodec(
    (writer, { process, what }) => {
      writer.array(2)
      writeId(writer, process)
      writer.bytes(inner.encode(what))
    },
    reader => {
      expectFields(reader, 2)
      return { process: asProcessId(readId(reader)), what: inner.decode(reader.bytes()) }
    },
  )
}

const readCodec: PeerCodec<UnitRead> = {
  encode: encodeUnitRead,
  decode(bytes) {
    try {
      return decodeUnitRead(bytes)
    } catch {
      throw new MalformedBytes('not a question to a compute unit', 0)
    }
  },
}

const finalFramesFrom = cborCodec<{
  readonly process: ProcessId
  readonly slot: Slot
  readonly waitMs: number
}>(
  (writer, { process, slot, waitMs }) => {
    writer.array(3)
    writeId(writer, process)
    writer.uint(slot)
    writer.uint(waitMs)
  },
  reader => {
    expectFields(reader, 3)
    return {
      process: asProcessId(readId(reader)),
      slot: readSmall(reader),
      waitMs: readSmall(reader),
    }
  },
)

const pairCodec = cborCodec<{ readonly to: ProcessId; readonly from: ProcessId }>(
  (writer, { to, from }) => {
    writer.array(2)
    writeId(writer, to)
    writeId(writer, from)
  },
  reader => {
    expectFields(reader, 2)
    return { to: asProcessId(readId(reader)), from: asProcessId(readId(reader)) }
  },
)

/** Rows of the table of what nodes ask each other: compute units, and schedulers whose processes are evaluated elsewhere. */
export const UNIT_PEER_OPERATIONS = {
  attest: peerOperation({
    summary: 'What a compute unit of a process signs: [index, unit, certificate, signature], …',
    request: about(attestationsCodec),
    requestMaxBytes: ATTESTATIONS_MAX_BYTES,
    answer: nothingCodec,
    answerMaxBytes: SMALL_MAX_BYTES,
  }),
  attestations: peerOperation({
    summary: 'What is attested of frames of a process from one on, by this unit and others it heard of',
    request: framePlaceCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: attestationsCodec,
    answerMaxBytes: ATTESTATIONS_MAX_BYTES,
  }),
  finalFrames: peerOperation({
    summary: 'Final frames from the one that holds a slot on, with results and signatures; waits for it',
    request: finalFramesFrom,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: { encode: encodeFinalFrames, decode: decodeFinalFrames },
    answerMaxBytes: FINAL_FRAMES_MAX_BYTES,
  }),
  readState: peerOperation({
    summary: 'A question about the state of a process, and the answer, as JSON',
    request: about(readCodec),
    requestMaxBytes: READING_MAX_BYTES,
    answer: rawCodec,
    answerMaxBytes: READING_MAX_BYTES,
  }),
  timersChanged: peerOperation({
    summary: 'The timers of a process are others now: its scheduler asks for them',
    request: processCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: nothingCodec,
    answerMaxBytes: SMALL_MAX_BYTES,
  }),
  expectedSeq: peerOperation({
    summary: 'The seq that the next push of a pair must have, of a process that is scheduled here',
    request: pairCodec,
    requestMaxBytes: SMALL_MAX_BYTES,
    answer: cborCodec<number>((writer, seq) => writer.uint(seq), readSmall),
    answerMaxBytes: SMALL_MAX_BYTES,
  }),
} as const
