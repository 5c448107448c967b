/**
 * Checks a result without asking anybody. Who holds the spawn message of a process knows from it:
 *
 * 1. which process it is: the id is the hash of its signature, or follows from the parent's outbox;
 * 2. whose word counts: the compute units and how many of them must agree;
 * 3. so a result holds if its head is in a Merkle tree whose root that many of them signed,
 * 4. and if output, log, errors, outbox and assignments hash to that head.
 */
import {
  asProcessId,
  type CertifiedView,
  decodeCertificate,
  decodeFrame,
  decodeResult,
  encodeResult,
  equalBytes,
  Failure,
  frameHash,
  MalformedBytes,
  type Assignment,
  type ProcessDescription,
  provenProcess,
  refuteResult,
  resultHeadOf,
  type Result,
  speaksTooLate,
} from '../protocol/index.ts'

export interface VerifiedResult {
  readonly process: ProcessDescription
  readonly result: Result
  /** State root after the frame that holds the slot. */
  readonly stateRoot: Uint8Array
  /** What stood in the slot, if its frame was given. */
  readonly assignment: Assignment | undefined
}

/**
 * Checks `certified` against the spawn envelope of its process. The spawn of a child is a push: it needs the
 * envelopes of its ancestors too, nearest first, up to the one that a person signed. With the block of the feed
 * that holds the slot (`frame`), it is also checked which message had this result. A process that was handed over, or whose ancestor
 * was, needs epoch records (`epochs`): those of each, in the order of the envelopes, the first first. Without them, the word of compute
 * units that were replaced goes on counting.
 * @throws {Failure} `verification-failed` with the reason
 */
export function verifyResult(
  certified: CertifiedView,
  spawnEnvelopes: Uint8Array | readonly Uint8Array[],
  options: {
    readonly frame?: Uint8Array | undefined
    readonly epochs?: readonly (readonly Uint8Array[])[] | undefined
  } = {},
): VerifiedResult {
  const envelopes = spawnEnvelopes instanceof Uint8Array ? [spawnEnvelopes] : spawnEnvelopes
  try {
    return verify(certified, envelopes, options)
  } catch (error) {
    if (Failure.is(error, 'verification-failed')) throw error
    if (!(error instanceof MalformedBytes) && !Failure.is(error)) throw error
    throw new Failure('verification-failed', {}, { cause: error, note: 'what was given is not well-formed' })
  }
}

function verify(
  certified: CertifiedView,
  envelopes: readonly Uint8Array[],
  { frame, epochs = [] }: NonNullable<Parameters<typeof verifyResult>[2]>,
): VerifiedResult {
  const process = verifyProcess(envelopes, epochs)
  refuseIf(process.id !== asProcessId(certified.process), 'the spawn message is of another process')
  const result = decodeResult(certified.result)
  const encoded = encodeResult(result)
  refuseIf(!equalBytes(encoded.bytes, certified.result), 'the result is not in its one form')
  refuseIf(!equalBytes(encoded.head, resultHeadOf(certified.result)), 'the result does not follow from its head')
  refuseIf(!equalBytes(encoded.head, certified.head), 'the head is of another result')
  refuseIf(result.slot !== certified.slot, 'the result is of another slot')
  const certificate = decodeCertificate(certified.certificate)
  const proof = {
    resultHead: certified.head,
    resultPath: certified.path,
    certificate,
    certificateBytes: certified.certificate,
    signatures: certified.signatures,
  }
  const reason = refuteResult(proof, result.slot, process)
  refuseIf(reason !== undefined, reason ?? '')
  const isLate = certified.signatures.some(({ unit }) => speaksTooLate(process, unit, result.slot))
  refuseIf(isLate, 'its compute units were others when that slot was given')
  return {
    process,
    result,
    stateRoot: certificate.stateRoot,
    assignment: frame && assignmentIn(frame, certificate, result.slot),
  }
}

function assignmentIn(frame: Uint8Array, certificate: ReturnType<typeof decodeCertificate>, slot: number): Assignment {
  refuseIf(!equalBytes(frameHash(frame), certificate.frameHash), 'the certificate is of another frame')
  const assignment = decodeFrame(frame).assignments[slot - certificate.firstSlot]
  if (assignment === undefined)
    throw new Failure('verification-failed', {}, { note: 'the frame does not hold the slot' })
  return assignment
}

/** @throws {Failure} `verification-failed` */
function verifyProcess(
  envelopes: readonly Uint8Array[],
  epochs: readonly (readonly Uint8Array[])[],
): ProcessDescription {
  try {
    return provenProcess(envelopes, epochs)
  } catch (error) {
    const note = error instanceof Error ? error.message : String(error)
    throw new Failure('verification-failed', {}, { cause: error, note })
  }
}

function refuseIf(isWrong: boolean, note: string): void {
  if (isWrong) throw new Failure('verification-failed', {}, { note })
}
