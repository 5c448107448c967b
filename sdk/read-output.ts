import {
  decodeCanisterOutput,
  decodeProcessOutput,
  MalformedBytes,
  type MessageId,
  type ProcessOutput,
  toBase64Url,
} from '../protocol/index.ts'

/** What a process answered a message with, in whichever form its kind of process answers. */
export type Answered = Omit<ProcessOutput, 'settled'> & {
  readonly settled?: readonly AnsweredLater[] | undefined
  /** The message was refused though its slot is ok: how canisters reject. */
  readonly error?: AnsweredError | undefined
}

/** A message that ended in a later slot than its own. */
export interface AnsweredLater {
  readonly message: MessageId
  readonly reply?: unknown
  readonly error?: AnsweredError | undefined
}

export interface AnsweredError {
  readonly code: string
  readonly message: string
  /** The IC's reject code, of a canister. */
  readonly reject?: number | undefined
}

/**
 * Reads an output: JSON of a process that keeps a contract, CBOR of a canister (an array: no text begins so). The reply of a
 * canister is Candid, as bytes. A canister
 * names in it the message that it answers, by no id in a query, and answers a spawn (slot 0) with nothing.
 * @throws {MalformedBytes} if the process does not answer in one of these forms
 */
export function readOutput(output: Uint8Array, about: { readonly message?: string; readonly slot: number }): Answered {
  if ((output[0] ?? 0) >> 5 !== 4) return decodeProcessOutput(output)
  const read = decodeCanisterOutput(output)
  if ('calls' in read) throw new MalformedBytes('a composite query that calls others: its answer needs their nodes', 0)
  const answers = read.answers.map(
    ([call, { reply, reject }]): AnsweredLater => ({
      message: toBase64Url(call) as MessageId,
      ...(reject === undefined
        ? { reply }
        : { error: { code: reject.error, message: reject.message, reject: reject.code } }),
    }),
  )
  const own = answers.find(answer => answer.message === (about.message ?? ''))
  const settled = answers.filter(answer => answer !== own)
  if (own === undefined) return about.slot === 0 ? { settled } : { pending: true, settled }
  return { reply: own.reply, error: own.error, settled }
}
