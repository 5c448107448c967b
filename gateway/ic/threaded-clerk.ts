import { Worker } from 'node:worker_threads'
import {
  type CanisterAnswer,
  Failure,
  QUERIES_PENDING_MAX,
  type Refusal,
  rememberBls,
  type RequestTrust,
} from '../../protocol/index.ts'
import { type ClerkQuestion, type ClerkReply, decodeReplies, encodeQuestions } from './clerk-packets.ts'
import type { QueryClerk, QuerySigner, SignedQuery } from './query-clerk.ts'
import { HttpRefusal } from './refusal.ts'

/** One message is at work and one lies ready; what comes meanwhile goes together when the first is answered. */
const MESSAGES_OUT_MAX = 2

interface Waiting {
  resolve(reply: ClerkReply): void
  reject(error: unknown): void
}

/** Clerk of a thread of its own: a signature takes as long as all else that is done for a query where requests are served. */
export class ThreadedClerk implements QueryClerk, AsyncDisposable {
  readonly #program: URL
  readonly #signer: QuerySigner | undefined
  readonly #pendingMax: number
  #worker: Worker | undefined
  #outgoing: ClerkQuestion[] = []
  #waiting: Waiting[] = []
  /** Of each message that is not answered yet, how many answers are to come: long ones are answered in pieces. */
  #out: number[] = []
  #closed = false

  /**
   * `program` calls `runClerk`. The thread is started by the first question. Who has no signer is a notary. Of requests to be looked at,
   * so many may wait.
   */
  constructor(program: URL, signer: QuerySigner | undefined, pendingMax = QUERIES_PENDING_MAX) {
    this.#program = program
    this.#signer = signer
    this.#pendingMax = pendingMax
  }

  async read(bytes: Uint8Array, { nowMs, rootKeys }: RequestTrust): Promise<SignedQuery> {
    const reply = await this.#ask({ kind: 'read', bytes, nowMs, rootKeys })
    if (reply.kind === 'read') return reply.query
    throw failureOf(reply)
  }

  async refute(bytes: Uint8Array, { nowMs, rootKeys }: RequestTrust): Promise<Refusal | undefined> {
    const reply = await this.#ask({ kind: 'judge', bytes, nowMs, rootKeys })
    if (reply.kind !== 'judged') throw failureOf(reply)
    rememberBls(reply.held)
    return reply.refusal
  }

  async sign(id: Uint8Array, answer: CanisterAnswer, nowMs: number): Promise<Uint8Array> {
    const reply = await this.#ask({ kind: 'sign', id, answer, nowMs })
    if (reply.kind === 'signed') return reply.bytes
    throw failureOf(reply)
  }

  /** @throws {Failure} `shutting-down`, `busy`, `host-fault` */
  #ask(question: ClerkQuestion): Promise<ClerkReply> {
    if (this.#closed) return Promise.reject(new Failure('shutting-down'))
    // What was executed already is signed, however many wait to be read.
    if (question.kind !== 'sign' && this.#waiting.length >= this.#pendingMax) {
      return Promise.reject(new Failure('busy', { queries: this.#waiting.length }))
    }
    const { promise, resolve, reject } = Promise.withResolvers<ClerkReply>()
    this.#waiting.push({ resolve, reject })
    this.#outgoing.push(question)
    if (this.#outgoing.length === 1) setImmediate(() => this.#send())
    return promise
  }

  /** Questions of one turn of the loop go in one message, and those for which the clerk had no time yet. */
  #send(): void {
    if (this.#closed || this.#out.length >= MESSAGES_OUT_MAX || this.#outgoing.length === 0) return
    const questions = this.#outgoing
    this.#outgoing = []
    this.#out.push(questions.length)
    this.#worker ??= this.#start()
    const message = encodeQuestions(questions)
    this.#worker.postMessage(message, [message.buffer as ArrayBuffer])
  }

  #start(): Worker {
    const worker = new Worker(this.#program, { workerData: this.#signer })
    worker.on('message', (message: Uint8Array) => {
      // Of one that failed, answers may still lie in its port: whoever waited for them was told.
      if (this.#worker === worker) this.#answered(decodeReplies(message))
    })
    worker.on('error', cause => this.#failed(worker, new Failure('host-fault', {}, { cause })))
    worker.on('exit', () => this.#failed(worker, new Failure(this.#closed ? 'shutting-down' : 'host-fault')))
    worker.unref()
    return worker
  }

  #answered(replies: readonly ClerkReply[]): void {
    for (const reply of replies) this.#waiting.shift()?.resolve(reply)
    const left = (this.#out[0] ?? 0) - replies.length
    if (left > 0) this.#out[0] = left
    else this.#out.shift()
    this.#send()
  }

  /** What waited for it fails; the next question starts another. */
  #failed(worker: Worker, failure: Failure): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#fail(failure)
  }

  #fail(failure: Failure): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#outgoing = []
    this.#out = []
    for (const { reject } of waiting) reject(failure)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
    this.#fail(new Failure('shutting-down'))
  }
}

/** What a clerk who does not do what he was asked says. */
function failureOf(reply: ClerkReply): Error {
  if (reply.kind === 'refused') return new HttpRefusal(reply.status, reply.text)
  return new Failure('internal', {}, { note: reply.kind === 'fault' ? reply.text : reply.kind })
}
