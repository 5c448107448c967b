import {
  type CanisterAnswer,
  type CompositeCall,
  type CanisterOutput,
  decodeCanisterOutput,
  encodeCompositeQuery,
} from './canister-output.ts'
import { QUERY_ANSWERS_MAX_BYTES } from '../limits/limits.ts'

/** Rounds that one composite query may take, and queries that it may cause in all, nested ones too. */
const ROUNDS_MAX = 64
const QUERIES_MAX = 512
const DEPTH_MAX = 8

/** Asks a canister once: its output. `answers` is given when there are some; `caller` is the canister that asks, if one does. */
export type AskCanister = (
  call: CompositeCall,
  data: Uint8Array,
  answers: number,
  caller: Uint8Array | undefined,
) => Promise<Uint8Array>

/**
 * Carries out a query that may call others: asks, has the calls answered in the same way, and asks again with the answers, until
 * there is nothing left to ask. Nothing is kept anywhere, so a round repeats those before it.
 */
export async function runCompositeQuery(call: CompositeCall, ask: AskCanister): Promise<CanisterOutput> {
  return run(call, ask, { left: QUERIES_MAX, leftBytes: QUERY_ANSWERS_MAX_BYTES }, 0, undefined)
}

/** What a composite query and all that it causes may still ask, and how much may still be held of answers. */
interface Budget {
  left: number
  leftBytes: number
}

async function run(
  call: CompositeCall,
  ask: AskCanister,
  budget: Budget,
  depth: number,
  caller: Uint8Array | undefined,
): Promise<CanisterOutput> {
  const answers: CanisterAnswer[] = []
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const data = round === 0 ? call.arg : encodeCompositeQuery(call.arg, answers)
    if (data.length > QUERY_ANSWERS_MAX_BYTES) return tooMuch()
    const output = decodeCanisterOutput(await ask(call, data, round === 0 ? 0 : answers.length, caller))
    if (!('calls' in output)) return output
    if (output.calls.length === 0) break
    budget.left -= output.calls.length
    if (budget.left < 0 || depth >= DEPTH_MAX) return refusal('IC0526', 'the composite query asks for too much')
    for (const inner of output.calls) {
      const { leftBytes } = budget
      const [first] = (await run(inner, ask, budget, depth + 1, call.callee)).answers
      const answer = first?.[1] ?? { reject: { code: 5, message: 'no answer', error: 'IC0506' } }
      // What it was itself answered is held no longer; its own answer is.
      budget.leftBytes = leftBytes - sizeOf(answer)
      if (budget.leftBytes < 0) return tooMuch()
      answers.push(answer)
    }
  }
  return refusal('IC0525', 'the composite query takes too many rounds')
}

function sizeOf({ reply, reject }: CanisterAnswer): number {
  return reject === undefined ? reply.length : reject.message.length + reject.error.length
}

const tooMuch = (): CanisterOutput => refusal('IC0526', 'the composite query is answered with too much')

const refusal = (error: string, message: string): CanisterOutput => ({
  answers: [[new Uint8Array(0), { reject: { code: 5, message, error } }]],
  changed: false,
})
