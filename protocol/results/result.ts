import { MalformedBytes } from '../codec/bytes.ts'
import { CborMajor, CborReader, CborWriter, headBytes } from '../codec/cbor.ts'
import type { Slot } from '../ids.ts'
import { DETAIL_INLINE_MAX_BYTES } from '../limits/limits.ts'
import { EMPTY_ROOT, leafHash, merkleRoot } from '../crypto/merkle.ts'
import { decodePushCore, type Push, readHash, readSmall } from '../process/push.ts'

/**
 * How a slot ended. Every slot ends in one of these, and none stops the next.
 * - ok: evaluated, state changed
 * - error: the program failed or ran out of gas; state as before
 * - duplicate: that item, or that seq of that sender, stood in the feed already; no effect
 * - gap: a push came before an earlier one of its pair; no effect
 * - reject: the scheduler could not take a valid push; its seq is consumed
 * - idle: a tick that no due timer of the process asked for; no effect
 * - refused: the envelope's signature or certificate does not hold: the scheduler is at fault; no effect
 */
export const RESULT_STATUSES = ['ok', 'error', 'duplicate', 'gap', 'reject', 'idle', 'refused'] as const
export type ResultStatus = (typeof RESULT_STATUSES)[number]

/** The certified part of a result: the leaf of the certificate's Merkle tree. */
export interface ResultHead {
  readonly slot: Slot
  /** The id of what stands in the slot, 32 bytes; nothing for a tick or a reject, which have none, and for what is refused. */
  readonly message: Uint8Array | undefined
  readonly status: ResultStatus
  readonly gas: bigint
  /** Output, error, log and the like, if they are short; else their hash. */
  readonly detail: ResultDetail | { readonly hash: Uint8Array }
  /** Merkle root over the push cores of the outbox, in order. */
  readonly outboxRoot: Uint8Array
  readonly outboxCount: number
  /** Assignments the slot asks for; they stand in the detail. */
  readonly assignCount: number
}

/** A failure inside a process, deterministic and part of the result. */
export interface ResultError {
  /** Stable words: 'trap', 'out-of-gas', 'stack-overflow', 'abort', 'bad-output', 'outbox-limit', … */
  readonly code: string
  readonly message: string
}

/** "Have that message stand in that process too." */
export interface Assign {
  readonly message: string
  readonly process: string
  readonly exclude: readonly string[]
}

/** What one evaluation gave. */
export interface Result {
  readonly slot: Slot
  /** As in `ResultHead`. */
  readonly message: Uint8Array | undefined
  readonly status: ResultStatus
  readonly gas: bigint
  readonly error: ResultError | undefined
  /** What the process answered; for the `ao` format the JSON of AO's result, for others the reply's bytes. */
  readonly output: Uint8Array
  /** Lines the process logged. */
  readonly log: string
  readonly outbox: readonly Push[]
  /** Messages that shall stand in other feeds too: AO's assignments. */
  readonly assigns: readonly Assign[]
  /** Sends that were dropped at a limit (no fuel left, too deep), as text; the slot itself stands. */
  readonly dropped: readonly string[]
}

/** What a result asks to be sent. */
export type Sending = Pick<Result, 'slot' | 'outbox' | 'assigns'>

type ResultDetail = Pick<Result, 'output' | 'error' | 'log' | 'dropped' | 'assigns'>

/** A result as stored and sent: `[head, detail or null, [core, body, …]]`. */
export interface EncodedResult {
  readonly head: Uint8Array
  readonly bytes: Uint8Array
}

export function encodeResult(result: Result): EncodedResult {
  const writer = new CborWriter()
  const headLength = writeResult(writer, result)
  const bytes = writer.finish()
  const [start, end] = headBounds(0, headLength)
  return { head: bytes.subarray(start, end), bytes }
}

/** Told where in a head the hash of a detail is missing, and how many bytes the detail has: many are hashed at once. */
export type LateHash = (hashAt: number, detailLength: number) => void

/** Writes a result as stored; gives the length of its head, for `headBounds`. With `late` the hash of a long detail is left to the caller. */
export function writeResult(writer: CborWriter, result: Result, late?: LateHash): number {
  const { outbox } = result
  writer.array(3)
  const start = writer.begin()
  writer.array(8)
  writer.uint(result.slot)
  if (result.message === undefined) writer.null()
  else writer.bytes(result.message)
  writer.uint(RESULT_STATUSES.indexOf(result.status))
  writer.uint(result.gas)
  const detailStart = writer.length
  writeDetail(writer, result)
  const isInline = writer.length - detailStart <= DETAIL_INLINE_MAX_BYTES
  const detail = isInline ? undefined : writer.cut(detailStart)
  if (detail !== undefined) {
    writer.bytes(late === undefined ? leafHash(detail) : EMPTY_ROOT)
    late?.(writer.length - start - EMPTY_ROOT.length, detail.length)
  }
  if (outbox.length === 0) writer.null()
  else writer.bytes(merkleRoot(outbox.map(push => leafHash(push.coreBytes))))
  writer.uint(outbox.length)
  writer.uint(result.assigns.length)
  const headLength = writer.end(start)
  if (detail === undefined) writer.null()
  else writer.bytes(detail)
  writer.array(outbox.length * 2)
  for (const push of outbox) {
    writer.bytes(push.coreBytes)
    writer.bytes(push.bodyBytes)
  }
  return headLength
}

/** Where the head lies in a result that begins at `start`. */
export function headBounds(start: number, headLength: number): [start: number, end: number] {
  const headStart = start + 1 + headBytes(headLength)
  return [headStart, headStart + headLength]
}

/** Where its detail lies behind a head that ends at `headEnd`. */
export function detailBounds(headEnd: number, detailLength: number): [start: number, end: number] {
  const start = headEnd + headBytes(detailLength)
  return [start, start + detailLength]
}

function writeDetail(writer: CborWriter, result: Result): void {
  writer.array(5)
  writer.bytes(result.output)
  if (result.error === undefined) writer.null()
  else {
    writer.array(2)
    writer.text(result.error.code)
    writer.text(result.error.message)
  }
  writer.text(result.log)
  writer.array(result.dropped.length)
  for (const line of result.dropped) writer.text(line)
  writer.array(result.assigns.length)
  for (const assign of result.assigns) {
    writer.array(2 + assign.exclude.length)
    writer.text(assign.message)
    writer.text(assign.process)
    for (const name of assign.exclude) writer.text(name)
  }
}

/** @throws {MalformedBytes} */
export function decodeResultHead(bytes: Uint8Array): ResultHead {
  const reader = new CborReader(bytes)
  if (reader.array() !== 8) throw new MalformedBytes('result head: expected 8 fields', 0)
  const slot = readSmall(reader)
  const message = reader.isNull() ? (reader.null() ?? undefined) : readHash(reader)
  const status = RESULT_STATUSES[readSmall(reader)]
  if (status === undefined) throw new MalformedBytes('result head: unknown status', reader.offset)
  const gas = BigInt(reader.uint())
  const detail = reader.peek() === CborMajor.array ? readDetail(reader) : { hash: readHash(reader) }
  const head: ResultHead = {
    slot,
    message,
    status,
    gas,
    detail,
    outboxRoot: reader.isNull() ? (reader.null() ?? EMPTY_ROOT) : readHash(reader),
    outboxCount: readSmall(reader),
    assignCount: readSmall(reader),
  }
  reader.end()
  return head
}

/** The certified head inside a stored result. @throws {MalformedBytes} */
export function resultHeadOf(bytes: Uint8Array): Uint8Array {
  const reader = new CborReader(bytes)
  if (reader.array() !== 3) throw new MalformedBytes('result: expected 3 parts', 0)
  return reader.bytes()
}

/**
 * Decodes a stored result. Counts are checked against the head, hashes are not: who does not believe the bytes
 * encodes the result again and compares heads. @throws {MalformedBytes}
 */
export function decodeResult(bytes: Uint8Array): Result {
  const reader = new CborReader(bytes)
  if (reader.array() !== 3) throw new MalformedBytes('result: expected 3 parts', 0)
  const head = decodeResultHead(reader.bytes())
  const detail = 'hash' in head.detail ? decodeDetail(reader.bytes()) : (reader.null() ?? head.detail)
  const outbox = readOutbox(reader)
  reader.end()
  if (outbox.length !== head.outboxCount || detail.assigns.length !== head.assignCount) {
    throw new MalformedBytes('result: its parts differ from its head', 0)
  }
  return { slot: head.slot, message: head.message, status: head.status, gas: head.gas, ...detail, outbox }
}

/** What a stored result asks to be sent; as `decodeResult`, but nothing else of it is looked at. @throws {MalformedBytes} */
export function decodeSending(bytes: Uint8Array): Sending {
  const reader = new CborReader(bytes)
  if (reader.array() !== 3) throw new MalformedBytes('result: expected 3 parts', 0)
  const head = new CborReader(reader.bytes())
  if (head.array() !== 8) throw new MalformedBytes('result head: expected 8 fields', 0)
  const slot = readSmall(head)
  // Message, status, gas, detail, root of the outbox.
  head.pass(5)
  const count = readSmall(head)
  // Assignments stand in the detail.
  if (readSmall(head) > 0) return decodeResult(bytes)
  head.end()
  reader.pass(1)
  const outbox = readOutbox(reader)
  reader.end()
  if (outbox.length !== count) throw new MalformedBytes('result: its parts differ from its head', 0)
  return { slot, outbox, assigns: [] }
}

function readOutbox(reader: CborReader): Push[] {
  const parts = reader.array()
  const outbox: Push[] = []
  for (let i = 0; i < parts; i += 2) {
    const coreBytes = reader.bytes()
    outbox.push({ core: decodePushCore(coreBytes), coreBytes, bodyBytes: reader.bytes() })
  }
  return outbox
}

function decodeDetail(bytes: Uint8Array): ResultDetail {
  const reader = new CborReader(bytes)
  const detail = readDetail(reader)
  reader.end()
  return detail
}

function readDetail(reader: CborReader): ResultDetail {
  if (reader.array() !== 5) throw new MalformedBytes('result detail: expected 5 fields', reader.offset)
  const output = reader.bytes()
  const error = readError(reader)
  const log = reader.text()
  const dropped: string[] = []
  const lines = reader.array()
  for (let i = 0; i < lines; i++) dropped.push(reader.text())
  const assigns: Assign[] = []
  const count = reader.array()
  for (let i = 0; i < count; i++) assigns.push(readAssign(reader))
  return { output, error, log, dropped, assigns }
}

function readAssign(reader: CborReader): Assign {
  const fields = reader.array()
  if (fields < 2) throw new MalformedBytes('result assign: expected 2 fields', reader.offset)
  const [message, process] = [reader.text(), reader.text()]
  const exclude: string[] = []
  for (let i = 2; i < fields; i++) exclude.push(reader.text())
  return { message, process, exclude }
}

function readError(reader: CborReader): ResultError | undefined {
  if (reader.isNull()) {
    reader.null()
    return undefined
  }
  if (reader.array() !== 2) throw new MalformedBytes('result error: expected 2 fields', reader.offset)
  return { code: reader.text(), message: reader.text() }
}
