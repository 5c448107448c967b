import { equalBytes } from '../codec/bytes.ts'
import { attests } from '../results/certificate.ts'
import { sha256 } from '../crypto/crypto.ts'
import { firstPolicy, policyOfUnit, unitAt } from '../epochs/epoch-policy.ts'
import { leafHash, rootFromPath } from '../crypto/merkle.ts'
import { asKeyId, type KeyId, type ModuleId } from '../ids.ts'
import type { ProcessDescription, ProcessPolicy } from './process.ts'
import { childId, decodePushBody, type Push, type PushProof } from './push.ts'
import { decodeResultHead } from '../results/result.ts'

/**
 * Is this push really from the process it names? Nobody who carries it is asked.
 *
 * 1. The body has the hash that the core names.
 * 2. The core is leaf `index` of the outbox root in the result head of that slot, whose status is ok.
 * 3. The head is leaf `slot - firstSlot` of the results root in the certificate of that process.
 * 4. As many compute units as the sender's policy of some epoch asks for signed the certificate, each one once.
 * 5. A spawn goes to the id that follows from its place, so nobody can choose the id of a child.
 *
 * Gives the reason it does not hold, or nothing if it holds.
 */
export function refutePush(push: Push, proof: PushProof, sender: ProcessDescription): string | undefined {
  const { core } = push
  if (core.from !== sender.id) return 'it names another sender'
  if (!equalBytes(sha256(push.bodyBytes), core.bodyHash)) return 'the body is not the certified one'
  const head = decodeResultHead(proof.resultHead)
  if (head.slot !== core.slot || head.status !== 'ok') return 'the result is of another slot'
  const outboxRoot = rootFromPath(leafHash(push.coreBytes), core.index, head.outboxCount, proof.outboxPath)
  if (outboxRoot === undefined || !equalBytes(outboxRoot, head.outboxRoot)) return 'the outbox does not hold it'
  const reason = refuteResult(proof, core.slot, sender)
  if (reason !== undefined) return reason
  const { kind } = decodePushBody(push.bodyBytes)
  if (kind === 'spawn' && core.to !== childId(core.from, core.slot, core.index))
    return 'the id of the child does not follow'
  return undefined
}

/**
 * Is this push really from the process it names, though no proof is with it? It is if the scheduler whose feed it stands in
 * is a compute unit of the sender whose word alone counts: its signature over the block is that word. So this is only
 * worth something if the block is signed. A spawn proves itself: others learn from it what a process is.
 *
 * Gives the reason it does not hold, or nothing if it holds.
 */
export function refuteVouched(push: Push, sender: ProcessDescription, feed: ProcessPolicy): string | undefined {
  const { core } = push
  if (core.from !== sender.id) return 'it names another sender'
  if (!equalBytes(sha256(push.bodyBytes), core.bodyHash)) return 'the body is not that of the core'
  if (voucherOf(firstPolicy(sender), feed) === undefined)
    return 'it has no proof, and the scheduler cannot vouch for it'
  if (decodePushBody(push.bodyBytes).kind === 'spawn') return 'a spawn without a proof'
  return undefined
}

/** What a receiver learns about the process that sent it a push. */
export interface PushSender {
  /** Key of the compute unit that attests it: the first that signed, or the scheduler that vouches. */
  readonly owner: KeyId
  readonly module: ModuleId
}

export function pushSender(proof: PushProof | undefined, sender: ProcessDescription, feed: ProcessPolicy): PushSender {
  const position = proof?.signatures[0]?.unit ?? 0
  const policy = policyOfUnit(sender, position)
  const owner = proof === undefined ? feed.schedulers[0] : policy && unitAt(policy, position)
  return { owner: owner ?? asKeyId(''), module: sender.module }
}

/** The scheduler that vouches for pushes of a sender in a feed, if there is one. `sender`: as spawned, whatever became of it since. */
export function voucherOf(sender: ProcessPolicy, feed: ProcessPolicy): KeyId | undefined {
  const [scheduler, ...others] = feed.schedulers
  if (scheduler === undefined || others.length > 0 || feed.schedulerQuorum !== 1) return undefined
  return sender.computeQuorum === 1 && sender.computeUnits.includes(scheduler) ? scheduler : undefined
}

/** Does a result head follow from what the compute units of its process attest? */
export function refuteResult(
  proof: Omit<PushProof, 'outboxPath'>,
  slot: number,
  process: ProcessDescription,
): string | undefined {
  const { certificate } = proof
  if (certificate.process !== process.id) return 'the certificate is of another process'
  const root = rootFromPath(
    leafHash(proof.resultHead),
    slot - certificate.firstSlot,
    certificate.count,
    proof.resultPath,
  )
  if (root === undefined || !equalBytes(root, certificate.resultsRoot))
    return 'the certificate does not hold the result'
  return refuteSignatures(proof, process)
}

function refuteSignatures(
  proof: Pick<PushProof, 'certificateBytes' | 'signatures'>,
  process: ProcessDescription,
): string | undefined {
  const policy = policyOfUnit(process, proof.signatures[0]?.unit ?? 0)
  if (policy === undefined) return 'a signer is not a compute unit of the process'
  if (proof.signatures.length < policy.computeQuorum) return 'too few compute units signed'
  let last = -1
  for (const { unit, signature } of proof.signatures) {
    const key = unitAt(policy, unit)
    if (unit <= last || key === undefined) return 'a signer is not a compute unit of the process, or signed twice'
    if (!attests(key, proof.certificateBytes, signature)) return 'a signature does not hold'
    last = unit
  }
  return undefined
}
