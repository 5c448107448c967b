import {
  type CanisterAnswer,
  type CompositeCall,
  encodeCanisterOutput,
  runCompositeQuery,
} from '../../protocol/index.ts'
import { canisterQuery, onlyAnswer } from './canisters.ts'
import type { Desk } from './desk.ts'
import { queryTarget } from './management-target.ts'
import { CallRefusal } from './refusal.ts'

/** Goes on with a composite query whose first round gave `output`: canisters that it calls are asked in its own name. */
export async function runComposite(
  desk: Desk,
  call: CompositeCall,
  output: Uint8Array,
  { sender, certificate }: { sender: Uint8Array; certificate: Uint8Array },
): Promise<CanisterAnswer> {
  let first: Uint8Array | undefined = output
  const { answers } = await runCompositeQuery(call, async (asked, data, count, caller) => {
    const known = asked === call ? first : undefined
    first = asked === call ? undefined : first
    if (known !== undefined) return known
    const from = caller ?? sender
    const tags = count > 0 ? [{ name: 'Canister-Answers', value: String(count) }] : []
    const kind = asked.callee.length === 0 ? 'management' : 'query'
    const message = canisterQuery(kind, asked.method, from, data, tags)
    return askOne(desk, asked, asked === call ? { ...message, certificate } : message)
  })
  return answers[0]?.[1] ?? onlyAnswer(new Uint8Array(0), undefined)
}

async function askOne(desk: Desk, call: CompositeCall, message: ReturnType<typeof canisterQuery>): Promise<Uint8Array> {
  const reject = (answer: CanisterAnswer): Uint8Array =>
    encodeCanisterOutput({ answers: [[new Uint8Array(0), answer]], changed: false })
  try {
    const { callee, method, arg } = call
    const { process } = await desk.canisters.get(callee.length === 0 ? queryTarget(method, arg) : callee)
    const { output, error } = await desk.parts.computer.query(process.id, message)
    return error === undefined ? output : reject(onlyAnswer(output, error.message))
  } catch (error) {
    if (error instanceof CallRefusal)
      return reject({ reject: { code: error.code, error: error.error, message: error.message } })
    throw error
  }
}
