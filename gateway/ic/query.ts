import { type CanisterAnswer, rootKeysOf } from '../../protocol/index.ts'
import { answerUnlessCalls, type Canister, canisterQuery, onlyAnswer } from './canisters.ts'
import { runComposite } from './composite.ts'
import type { Desk } from './desk.ts'
import { mayBeOfCanister } from './incoming.ts'
import { checkTarget, queryTarget } from './management-target.ts'
import type { SignedQuery } from './query-clerk.ts'
import { CallRefusal } from './refusal.ts'
import { subnetsReply } from './subnet-directory.ts'

const ATTEMPTS_MAX = 3

/** The body of the response to a query: its answer, signed by the node that gave it. @throws {HttpRefusal} */
export async function takeQuery(desk: Desk, bytes: Uint8Array, effective: Uint8Array | undefined): Promise<Uint8Array> {
  const { canisters, clock, parts } = desk
  const { clerk, notary, keys } = parts
  const found = effective && (canisters.atHand(effective) ?? (await canisters.find(effective)))
  const reader = mayBeOfCanister(bytes) ? notary : clerk
  const query = await reader.read(bytes, {
    nowMs: clock.now(),
    rootKeys: found === undefined ? keys.rootKeys : rootKeysOf(found.process),
  })
  return clerk.sign(query.id, await answerOf(desk, query, effective, found), clock.now())
}

async function answerOf(
  desk: Desk,
  query: SignedQuery,
  effective: Uint8Array | undefined,
  found: Canister | undefined,
): Promise<CanisterAnswer> {
  const { canister, method, arg } = query
  try {
    const target = canister.length === 0 ? queryTarget(method, arg) : canister
    if (effective === undefined) throw new CallRefusal(4, 'IC0406', `A subnet takes no queries of ${method}`)
    checkTarget(target, effective)
    const subnets = found === undefined ? subnetsReply(canister, method, desk.parts.keys.subnetId) : undefined
    if (subnets !== undefined) return { reply: subnets }
    return await ask(desk, found ?? (await desk.canisters.get(effective)), query)
  } catch (error) {
    if (error instanceof CallRefusal)
      return { reject: { code: error.code, error: error.error, message: error.message } }
    throw error
  }
}

type Asking = Pick<SignedQuery, 'canister' | 'method' | 'arg' | 'sender'>

/** A query sees a certificate of the very data that its state holds: if they changed meanwhile, it is asked again. */
export async function ask(
  desk: Desk,
  found: Canister,
  { canister, method, arg, sender }: Asking,
): Promise<CanisterAnswer> {
  const { computer } = desk.parts
  if (canister.length === 0) {
    const { output, error } = await computer.query(found.process.id, canisterQuery('management', method, sender, arg))
    return onlyAnswer(output, error?.message)
  }
  const certificateNow = () => desk.dataCertificates.atHand(found) ?? desk.dataCertificates.of(found)
  for (let attempt = 1; ; attempt++) {
    const certificate = await certificateNow()
    const { output, error } = await computer.query(found.process.id, {
      ...canisterQuery('query', method, sender, arg),
      certificate,
    })
    const isSame = (await certificateNow()) === certificate
    if (!isSame && attempt < ATTEMPTS_MAX) continue
    const answer = answerUnlessCalls(output, error?.message)
    return answer ?? runComposite(desk, { callee: found.principal, method, arg }, output, { sender, certificate })
  }
}
