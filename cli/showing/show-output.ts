import { type CanisterAnswer, decodeCandid, decodeCanisterOutput, MalformedBytes } from '../../protocol/index.ts'
import { LINE_WIDTH, namesOf, showCandid } from '../ic/show-candid.ts'
import { safeText, showBytes, textOf } from './show-bytes.ts'

const NO_NAMES = namesOf('')

/** What a slot gave, for eyes: text as it is, answers of a canister in Candid, else bytes. */
export function showOutput(output: Uint8Array): string {
  return textOf(output) ?? showAnswers(output) ?? showBytes(output)
}

function showAnswers(output: Uint8Array): string | undefined {
  const read = unless(() => decodeCanisterOutput(output))
  if (read === undefined || 'calls' in read) return undefined
  return read.answers.map(([, answer]) => showAnswer(answer)).join('\n')
}

function showAnswer({ reply, reject }: CanisterAnswer): string {
  if (reject !== undefined) return safeText(`${reject.error}: ${reject.message}`)
  const values = unless(() => decodeCandid(reply))
  return values === undefined ? showBytes(reply) : showCandid(values, NO_NAMES, LINE_WIDTH)
}

function unless<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
