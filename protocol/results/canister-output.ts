import { MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'

/** How a call of a canister was answered: the IC's codes and words. */
export type CanisterAnswer =
  | { readonly reply: Uint8Array; readonly reject?: undefined }
  | {
      readonly reply?: undefined
      readonly reject: { readonly code: number; readonly message: string; readonly error: string }
    }

/** What a slot of a canister gives, and what a query gives: docs/protocol/canister.md. */
export interface CanisterOutput {
  /** By the request id of an ingress, or the id of an item; of a query, by no bytes at all. */
  readonly answers: readonly (readonly [call: Uint8Array, answer: CanisterAnswer])[]
  /** If the slot changed them. */
  readonly certified?: Uint8Array | undefined
  /** Code, controllers or metadata are others than before. */
  readonly changed: boolean
}

/** A call that a composite query waits for. */
export interface CompositeCall {
  readonly callee: Uint8Array
  readonly method: string
  readonly arg: Uint8Array
}

/** The most used output: nobody was answered, nothing else happened. */
const QUIET = Uint8Array.of(0x84, 0x01, 0x80, 0xf6, 0xf4)

export function encodeCanisterOutput({ answers, certified, changed }: CanisterOutput): Uint8Array {
  if (answers.length === 0 && certified === undefined && !changed) return QUIET
  const writer = new CborWriter()
  writer.array(4)
  writer.uint(1)
  writer.array(answers.length)
  for (const [call, answer] of answers) {
    writer.array(answer.reject === undefined ? 3 : 5)
    writer.bytes(call)
    writeCanisterAnswer(writer, answer)
  }
  if (certified === undefined) writer.null()
  else writer.bytes(certified)
  writer.bool(changed)
  return writer.finish()
}

function writeCanisterAnswer(writer: CborWriter, answer: CanisterAnswer): void {
  if (answer.reject === undefined) {
    writer.uint(0)
    writer.bytes(answer.reply)
    return
  }
  writer.uint(1)
  writer.uint(answer.reject.code)
  writer.text(answer.reject.message)
  writer.text(answer.reject.error)
}

export function encodeCompositeCalls(calls: readonly CompositeCall[]): Uint8Array {
  const writer = new CborWriter()
  writer.array(2)
  writer.uint(2)
  writer.array(calls.length)
  for (const { callee, method, arg } of calls) {
    writer.array(3)
    writer.bytes(callee)
    writer.text(method)
    writer.bytes(arg)
  }
  return writer.finish()
}

/** The data of a composite query that is asked again: the argument, and what its calls were answered so far. */
export function encodeCompositeQuery(arg: Uint8Array, answers: readonly CanisterAnswer[]): Uint8Array {
  const writer = new CborWriter()
  writer.array(2)
  writer.bytes(arg)
  writer.array(answers.length)
  for (const answer of answers) {
    writer.array(answer.reject === undefined ? 2 : 4)
    writeCanisterAnswer(writer, answer)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeCompositeQuery(bytes: Uint8Array): { arg: Uint8Array; answers: CanisterAnswer[] } {
  const reader = new CborReader(bytes)
  if (reader.array() !== 2) throw new MalformedBytes('composite query: expected 2 fields', 0)
  const arg = reader.bytes()
  const count = reader.array()
  const answers: CanisterAnswer[] = []
  for (let i = 0; i < count; i++) answers.push(readCanisterAnswer(reader, reader.array()))
  reader.end()
  return { arg, answers }
}

/** Reads what a slot or a query gave. @throws {MalformedBytes} */
export function decodeCanisterOutput(bytes: Uint8Array): CanisterOutput | { readonly calls: readonly CompositeCall[] } {
  const reader = new CborReader(bytes)
  const fields = reader.array()
  const kind = reader.uint()
  if (kind === 2 && fields === 2) return { calls: readCalls(reader) }
  if (kind !== 1 || fields !== 4) throw new MalformedBytes('canister output: another form', 0)
  const count = reader.array()
  const answers: [Uint8Array, CanisterAnswer][] = []
  for (let i = 0; i < count; i++) {
    const parts = reader.array()
    answers.push([reader.bytes(), readCanisterAnswer(reader, parts - 1)])
  }
  const certified = reader.isNull() ? (reader.null() ?? undefined) : reader.bytes()
  const changed = reader.bool()
  reader.end()
  return { answers, certified, changed }
}

function readCalls(reader: CborReader): CompositeCall[] {
  const count = reader.array()
  const calls: CompositeCall[] = []
  for (let i = 0; i < count; i++) {
    if (reader.array() !== 3) throw new MalformedBytes('composite call: expected 3 fields', reader.offset)
    calls.push({ callee: reader.bytes(), method: reader.text(), arg: reader.bytes() })
  }
  reader.end()
  return calls
}

function readCanisterAnswer(reader: CborReader, fields: number): CanisterAnswer {
  const kind = reader.uint()
  if (kind === 0 && fields === 2) return { reply: reader.bytes() }
  if (kind !== 1 || fields !== 4) throw new MalformedBytes('canister answer: another form', reader.offset)
  return { reject: { code: Number(reader.uint()), message: reader.text(), error: reader.text() } }
}
