import { speaksTooLate, unitOf } from '../epochs/epoch-policy.ts'
import { equalBytes, toBase64Url } from '../codec/bytes.ts'
import { type Certificate, decodeCertificate } from '../results/certificate.ts'
import { counted } from '../codec/counted.ts'
import { sha256 } from '../crypto/crypto.ts'
import { type DataItem, parseDataItem, verifyDataItem } from '../items/data-item.ts'
import { Failure } from '../failures/failure.ts'
import { feedHeadHolds, feedKey } from '../feeds/feed-head.ts'
import { includedIn } from '../feeds/feed-inclusion.ts'
import { messagesFeed } from '../feeds/feed-spec.ts'
import { asMessageId, type KeyId, type MessageId, type Slot } from '../ids.ts'
import { provenProcess } from '../process/lineage.ts'
import type { ProcessDescription } from '../process/process.ts'
import { refuteResult } from '../process/provenance.ts'
import { decodePushCore, pushId } from '../process/push.ts'
import { decodeResultProof, type ResultProof } from './result-proof.ts'
import { decodeResult, decodeResultHead, encodeResult, type Result, type ResultHead } from '../results/result.ts'

/**
 * Checks a proof of one result and asks nobody.
 *
 * 1. spawn: the spawn message makes this process; it names its schedulers, its compute units and how many must agree.
 * 2. trust: it is the process, or the key, that the reader trusts.
 * 3. feed: as many of its schedulers as it asks for signed the first blocks of the feed whose key follows from it.
 * 4. block: the block that the certificate names is one of them.
 * 5. certificate: as many of its compute units as must agree signed what came of that block.
 * 6. result: the head of the slot's result is in what they signed, with the id of its message.
 * 7. message, output: what was brought along is what that head names.
 */
export const PROOF_STEPS = ['spawn', 'trust', 'feed', 'block', 'certificate', 'result', 'message', 'output'] as const
export type ProofStepName = (typeof PROOF_STEPS)[number]

/** One step of a check: what it shows, or why it does not hold. */
export interface ProofStep {
  readonly name: ProofStepName
  readonly holds: boolean
  readonly what: string
}

/** What the reader knows already. Without anything, the proof is about whatever process it names. */
export interface ProofTrust {
  /** The id of the process; or a key: of its owner, of its only scheduler, or of a compute unit that signed. */
  readonly trusted?: string | undefined
  /** The message whose result is wanted. */
  readonly message?: string | undefined
}

/** What a proof shows, if it holds. */
export interface ProvenResult {
  readonly process: ProcessDescription
  readonly slot: Slot
  readonly message: MessageId | undefined
  readonly head: ResultHead
  readonly certificate: Certificate
  readonly feedKey: Uint8Array
  /** Where the frame stands in the feed, and how far the feed was signed. */
  readonly block: number
  readonly signedBlocks: number
  /** Keys of the compute units that signed. */
  readonly units: readonly KeyId[]
  readonly result: Result | undefined
  readonly item: DataItem | undefined
}

export interface ProofReport {
  readonly steps: readonly ProofStep[]
  /** Nothing, if a step does not hold: it is the last. */
  readonly proven: ProvenResult | undefined
}

class DoesNotHold extends Error {}

/** Checks step by step, up to the first that does not hold. Never throws on what is in `bytes`. */
export function checkProof(bytes: Uint8Array, trust: ProofTrust = {}): ProofReport {
  const steps: ProofStep[] = []
  let name: ProofStepName = 'spawn'
  const step = <T>(next: ProofStepName, check: () => [what: string, value: T]): T => {
    name = next
    const [what, value] = check()
    steps.push({ name, holds: true, what })
    return value
  }
  try {
    return { steps, proven: carryOut(decodeResultProof(bytes), trust, step) }
  } catch (error) {
    if (!(error instanceof Error) || isBug(error)) throw error
    steps.push({ name, holds: false, what: error.message })
    return { steps, proven: undefined }
  }
}

/** @throws {Failure} `verification-failed` with the step and the reason */
export function verifyProof(bytes: Uint8Array, trust: ProofTrust = {}): ProvenResult {
  const { steps, proven } = checkProof(bytes, trust)
  if (proven !== undefined) return proven
  const last = steps.at(-1)
  throw new Failure('verification-failed', { step: last?.name ?? 'spawn' }, { note: last?.what ?? 'it is empty' })
}

/** What is thrown on bytes that are not what they should be is a plain error, a failure or malformed bytes. */
function isBug(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}

type Step = <T>(name: ProofStepName, check: () => [what: string, value: T]) => T

function carryOut(proof: ResultProof, trust: ProofTrust, step: Step): ProvenResult {
  const process = step('spawn', () => checkSpawn(proof))
  const certificate = decodeCertificate(proof.certificateBytes)
  const units = proof.signatures.map(({ unit }) => unitOf(process, unit)).filter(key => key !== undefined)
  const { trusted } = trust
  if (trusted !== undefined) step('trust', () => [checkTrust(process, units, trusted), undefined])
  const feed = messagesFeed(process)
  const { length, index } = proof.inclusion
  const tree = includedIn(certificate.frameHash, proof.inclusion)
  step('feed', () => {
    const isSigned = tree !== undefined && feedHeadHolds(feed, tree, { length, signature: proof.headSignature })
    // What its schedulers say of what stands before their time counts for nothing: the owner's record tells.
    const isOwn = index >= (process.prologue?.length ?? 0) || length === process.prologue?.length
    demand(isSigned && isOwn, 'no signature of its schedulers is over a feed that holds the certified block')
    const { schedulers, schedulerQuorum } = process.policy
    return [
      `${schedulerQuorum} of ${counted(schedulers.length, 'scheduler')} signed the first ${counted(length, 'block')}`,
      undefined,
    ]
  })
  step('block', () => [
    `block ${index} is one of them: ${counted(certificate.count, 'slot')} from ${certificate.firstSlot} on`,
    undefined,
  ])
  const head = decodeResultHead(proof.resultHead)
  step('certificate', () => [checkCertificate(proof, certificate, head.slot, process), undefined])
  const message = head.message && asMessageId(toBase64Url(head.message))
  step('result', () => [checkHead(head, message, trust), undefined])
  const item = proof.message && step('message', () => checkMessage(proof, head))
  const result = proof.result && step('output', () => checkOutput(proof.result ?? NO_BYTES, proof.resultHead))
  return {
    process,
    slot: head.slot,
    message,
    head,
    certificate,
    feedKey: feedKey(feed),
    block: index,
    signedBlocks: length,
    units,
    result,
    item,
  }
}

const NO_BYTES = new Uint8Array(0)

function checkSpawn({ spawns, epochs = [] }: ResultProof): [string, ProcessDescription] {
  const process = provenProcess(spawns, epochs)
  const { computeUnits, computeQuorum } = process.policy
  const by =
    process.parent === undefined
      ? `signed by ${process.owner}`
      : `a child of ${process.parent}, proven over ${spawns.length - 1} ancestors`
  const handed =
    process.epoch === 0 ? '' : ` and handed over by ${counted(epochs[0]?.length ?? 0, 'record')} of its owner`
  return [
    `process ${process.id}, ${by}${handed}; ${computeQuorum} of ${counted(computeUnits.length, 'compute unit')} must agree`,
    process,
  ]
}

function checkTrust({ id, owner, policy }: ProcessDescription, units: readonly KeyId[], trusted: string): string {
  const [scheduler, ...others] = policy.schedulers
  const roles: readonly [boolean, string][] = [
    [id === trusted, 'it is the process that you trust'],
    [owner === trusted, 'the owner of the process is whom you trust'],
    [units.some(unit => unit === trusted), 'a compute unit that signed is the one that you trust'],
    [scheduler === trusted && others.length === 0, 'its scheduler is the one that you trust'],
  ]
  const found = roles.find(([isTrusted]) => isTrusted)
  demand(found !== undefined, `neither the process, nor its owner, nor who signed is ${trusted}`)
  return found[1]
}

function checkCertificate(
  proof: ResultProof,
  certificate: Certificate,
  slot: Slot,
  process: ProcessDescription,
): string {
  const reason = refuteResult({ ...proof, certificate }, slot, process)
  demand(reason === undefined, reason ?? '')
  const isLate = proof.signatures.some(({ unit }) => speaksTooLate(process, unit, slot))
  demand(!isLate, 'its compute units were others when that slot was given')
  return `${proof.signatures.length} of its compute units signed what came of that block`
}

function checkHead({ slot, status, gas }: ResultHead, message: MessageId | undefined, trust: ProofTrust): string {
  demand(
    trust.message === undefined || trust.message === message,
    `slot ${slot} holds message ${message ?? 'without an id'}, not ${trust.message ?? ''}`,
  )
  const what = message === undefined ? 'a message of its scheduler' : `message ${message}`
  return `slot ${slot} holds ${what}, and ended ${status} after ${gas.toLocaleString('en')} gas`
}

function checkMessage({ message }: ResultProof, head: ResultHead): [string, DataItem | undefined] {
  const named = head.message ?? NO_BYTES
  if (message?.kind === 'item') {
    const item = parseDataItem(message.item)
    demand(item.id === toBase64Url(named), 'it is another message')
    demand(verifyDataItem(item), 'the signature of the message does not hold')
    return [`the message was signed by ${item.ownerAddress}`, item]
  }
  const [coreBytes, bodyBytes] = [message?.coreBytes ?? NO_BYTES, message?.bodyBytes ?? NO_BYTES]
  demand(pushId(coreBytes) === toBase64Url(named), 'it is another message')
  const core = decodePushCore(coreBytes)
  demand(equalBytes(sha256(bodyBytes), core.bodyHash), 'the body of the message is another')
  return [`the message came of slot ${core.slot} of process ${core.from}`, undefined]
}

function checkOutput(bytes: Uint8Array, resultHead: Uint8Array): [string, Result] {
  const result = decodeResult(bytes)
  const encoded = encodeResult(result)
  demand(
    equalBytes(encoded.bytes, bytes) && equalBytes(encoded.head, resultHead),
    'output and outbox are not those that were certified',
  )
  return [
    `${counted(result.output.length, 'byte')} of output and ${counted(result.outbox.length, 'message')} sent follow from it`,
    result,
  ]
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new DoesNotHold(otherwise)
}
