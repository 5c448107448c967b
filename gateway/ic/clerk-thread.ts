import { parentPort, workerData } from 'node:worker_threads'
import { type ClerkQuestion, type ClerkReply, decodeQuestions, encodeReplies } from './clerk-packets.ts'
import { judgeRequest, type QuerySigner, readQuery, signAnswer } from './query-clerk.ts'
import { HttpRefusal } from './refusal.ts'

/** Replies that wait for others to go with them: whoever is served first does not wait for all who came at the same time. */
const REPLIES_TOGETHER_MAX = 64

/** The program of the query clerk's thread: answers what it is asked, in order. The signer is all it knows; a notary has none. */
export function runClerk(): void {
  const signer = workerData as QuerySigner | undefined
  parentPort?.on('message', (message: Uint8Array) => {
    const questions = decodeQuestions(message)
    for (let at = 0; at < questions.length; at += REPLIES_TOGETHER_MAX) {
      const replies = encodeReplies(
        questions.slice(at, at + REPLIES_TOGETHER_MAX).map(question => replyTo(signer, question)),
      )
      parentPort?.postMessage(replies, [replies.buffer as ArrayBuffer])
    }
  })
}

function replyTo(signer: QuerySigner | undefined, question: ClerkQuestion): ClerkReply {
  try {
    switch (question.kind) {
      case 'read':
        return { kind: 'read', query: readQuery(question.bytes, question) }
      case 'judge':
        return { kind: 'judged', ...judgeRequest(question.bytes, question) }
      case 'sign':
        if (signer === undefined) return { kind: 'fault', text: 'a notary signs nothing' }
        return { kind: 'signed', bytes: signAnswer(signer, question.id, question.answer, question.nowMs) }
    }
  } catch (error) {
    if (error instanceof HttpRefusal) return { kind: 'refused', status: error.status, text: error.message }
    return { kind: 'fault', text: String(error) }
  }
}
