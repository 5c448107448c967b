/**
 * What the thread that serves requests and the thread of the query clerk say to each other: questions are answered in order, so
 * nothing is numbered, and what comes together goes in one message, since a message costs more than what is in it. Both ends are
 * of one version.
 */
import {
  type BlsSignature,
  type CanisterAnswer,
  CborReader,
  CborWriter,
  type Refusal,
  type RequestTrust,
} from '../../protocol/index.ts'
import type { SignedQuery } from './query-clerk.ts'

export type ClerkQuestion =
  | ({ readonly kind: 'read' | 'judge'; readonly bytes: Uint8Array } & RequestTrust)
  | {
      readonly kind: 'sign'
      readonly id: Uint8Array
      readonly answer: CanisterAnswer
      readonly nowMs: number
    }

export type ClerkReply =
  | { readonly kind: 'read'; readonly query: SignedQuery }
  | { readonly kind: 'judged'; readonly refusal: Refusal | undefined; readonly held: readonly BlsSignature[] }
  | { readonly kind: 'signed'; readonly bytes: Uint8Array }
  /** The client's fault: a status of HTTP and a sentence. */
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }
  /** A bug. */
  | { readonly kind: 'fault'; readonly text: string }

const READ = 0
const SIGN = 1
const REFUSED = 2
const FAULT = 3
const JUDGE = 4

export const encodeQuestions = (questions: readonly ClerkQuestion[]): Uint8Array => encodeAll(questions, writeQuestion)
export const decodeQuestions = (bytes: Uint8Array): ClerkQuestion[] => decodeAll(bytes, readQuestion)
export const encodeReplies = (replies: readonly ClerkReply[]): Uint8Array => encodeAll(replies, writeReply)
export const decodeReplies = (bytes: Uint8Array): ClerkReply[] => decodeAll(bytes, readReply)

function encodeAll<T>(values: readonly T[], write: (writer: CborWriter, value: T) => void): Uint8Array {
  const writer = new CborWriter()
  writer.array(values.length)
  for (const value of values) write(writer, value)
  // In a buffer of its own, which goes to the other thread.
  return writer.finish().slice()
}

function decodeAll<T>(bytes: Uint8Array, read: (reader: CborReader) => T): T[] {
  const reader = new CborReader(bytes)
  const values: T[] = []
  for (let left = reader.array(); left > 0; left--) values.push(read(reader))
  return values
}

function writeQuestion(writer: CborWriter, question: ClerkQuestion): void {
  if (question.kind !== 'sign') {
    writer.array(3 + question.rootKeys.length)
    writer.uint(question.kind === 'read' ? READ : JUDGE)
    writer.bytes(question.bytes)
    writer.uint(question.nowMs)
    for (const key of question.rootKeys) writer.bytes(key)
    return
  }
  const { id, answer, nowMs } = question
  writer.array(answer.reject === undefined ? 4 : 6)
  writer.uint(SIGN)
  writer.bytes(id)
  writer.uint(nowMs)
  if (answer.reject === undefined) return writer.bytes(answer.reply)
  writer.uint(answer.reject.code)
  writer.text(answer.reject.message.toWellFormed())
  writer.text(answer.reject.error.toWellFormed())
}

function readQuestion(reader: CborReader): ClerkQuestion {
  const fields = reader.array()
  const kind = reader.uint()
  if (kind !== SIGN) {
    const [bytes, nowMs] = [reader.bytes(), Number(reader.uint())]
    const rootKeys = Array.from({ length: fields - 3 }, () => reader.bytes())
    return { kind: kind === READ ? 'read' : 'judge', bytes, nowMs, rootKeys }
  }
  const [id, nowMs] = [reader.bytes(), Number(reader.uint())]
  if (fields === 4) return { kind: 'sign', id, nowMs, answer: { reply: reader.bytes() } }
  const reject = { code: Number(reader.uint()), message: reader.text(), error: reader.text() }
  return { kind: 'sign', id, nowMs, answer: { reject } }
}

function writeReply(writer: CborWriter, reply: ClerkReply): void {
  switch (reply.kind) {
    case 'read': {
      const { id, canister, method, arg, sender } = reply.query
      writer.array(6)
      writer.uint(READ)
      for (const bytes of [id, canister, arg, sender]) writer.bytes(bytes)
      writer.text(method)
      break
    }
    case 'judged':
      writer.array(4)
      writer.uint(JUDGE)
      writer.text(reply.refusal?.reason ?? '')
      writer.text((reply.refusal?.text ?? '').toWellFormed())
      writer.array(reply.held.length)
      for (const { publicKey, message, signature } of reply.held)
        for (const bytes of [publicKey, message, signature]) writer.bytes(bytes)
      break
    case 'signed':
      writer.array(2)
      writer.uint(SIGN)
      writer.bytes(reply.bytes)
      break
    case 'refused':
      writer.array(3)
      writer.uint(REFUSED)
      writer.uint(reply.status)
      // A sentence may quote a part of what was sent, cut anywhere.
      writer.text(reply.text.toWellFormed())
      break
    case 'fault':
      writer.array(2)
      writer.uint(FAULT)
      writer.text(reply.text.toWellFormed())
      break
  }
}

function readReply(reader: CborReader): ClerkReply {
  reader.array()
  switch (reader.uint()) {
    case READ:
      return {
        kind: 'read',
        query: {
          id: reader.bytes(),
          canister: reader.bytes(),
          arg: reader.bytes(),
          sender: reader.bytes(),
          method: reader.text(),
        },
      }
    case JUDGE: {
      const [reason, text] = [reader.text(), reader.text()]
      const held = Array.from({ length: reader.array() }, () => ({
        publicKey: reader.bytes(),
        message: reader.bytes(),
        signature: reader.bytes(),
      }))
      return {
        kind: 'judged',
        refusal: reason === '' ? undefined : { reason: reason as Refusal['reason'], text },
        held,
      }
    }
    case SIGN:
      return { kind: 'signed', bytes: reader.bytes() }
    case REFUSED:
      return { kind: 'refused', status: Number(reader.uint()), text: reader.text() }
    default:
      return { kind: 'fault', text: reader.text() }
  }
}
