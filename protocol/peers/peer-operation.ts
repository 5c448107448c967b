import { MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import type { KeyId } from '../ids.ts'
import type { CallOptions } from '../ports.ts'

/** One form of a value as bytes. */
export interface PeerCodec<T> {
  encode(value: T): Uint8Array
  /** @throws {MalformedBytes} on anything that `encode` would not have written */
  decode(bytes: Uint8Array): T
}

/** One row of the table of what nodes ask each other. */
export interface PeerOperationRow<Request = unknown, Answer = unknown> {
  readonly summary: string
  readonly request: PeerCodec<Request>
  readonly requestMaxBytes: number
  readonly answer: PeerCodec<Answer>
  /** A longer answer is refused by whoever asked. */
  readonly answerMaxBytes: number
  /** Answers that are made and held for one peer at once, where they are long or cost much; four times as many for all. */
  readonly atOnce?: number | undefined
  /** `one` answer, or answers until the caller ends it. */
  readonly answers: 'one' | 'many'
}

/** Whoever asks: its key was proven when it connected. */
export interface PeerCall extends CallOptions {
  readonly from: KeyId
}

/** A row of an operation that gives one answer. */
export function peerOperation<Request, Answer>(
  row: Omit<PeerOperationRow<Request, Answer>, 'answers'>,
): PeerOperationRow<Request, Answer> & { readonly answers: 'one' } {
  return { ...row, answers: 'one' }
}

/** A row of an operation that gives many answers. */
export function peerStream<Request, Answer>(
  row: Omit<PeerOperationRow<Request, Answer>, 'answers'>,
): PeerOperationRow<Request, Answer> & { readonly answers: 'many' } {
  return { ...row, answers: 'many' }
}

/** A codec of CBOR, from how one value is written and read. */
export function cborCodec<T>(
  write: (writer: CborWriter, value: T) => void,
  read: (reader: CborReader) => T,
): PeerCodec<T> {
  return {
    encode(value) {
      const writer = new CborWriter()
      write(writer, value)
      return writer.finish()
    },
    decode(bytes) {
      const reader = new CborReader(bytes)
      const value = read(reader)
      reader.end()
      return value
    },
  }
}

/** Expects an array of exactly `fields` entries. @throws {MalformedBytes} */
export function expectFields(reader: CborReader, fields: number): void {
  const start = reader.offset
  if (reader.array() !== fields) throw new MalformedBytes(`expected ${fields} fields`, start)
}

/** The length of a list of at most `max` entries. @throws {MalformedBytes} */
export function readCount(reader: CborReader, max: number): number {
  const start = reader.offset
  const count = reader.array()
  if (count > max) throw new MalformedBytes(`expected at most ${max} entries`, start)
  return count
}

/** An id as its 32 bytes. */
export function writeId(writer: CborWriter, id: string): void {
  writer.base64Url(id)
}

/** Bytes, or null if there are none. */
export function writeMaybe(writer: CborWriter, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) writer.null()
  else writer.bytes(bytes)
}

/** @throws {MalformedBytes} */
export function readMaybe(reader: CborReader): Uint8Array | undefined {
  if (!reader.isNull()) return reader.bytes()
  reader.null()
  return undefined
}
