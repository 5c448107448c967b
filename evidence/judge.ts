import {
  type Complaint,
  complaintFacts,
  type ComplaintFacts,
  decodeCertificate,
  decodeEvidence,
  type EquivocationProof,
  equalBytes,
  type EvidenceEntry,
  type EvidenceRecord,
  Failure,
  judgeFault,
  MalformedBytes,
  feedOfEpoch,
  type ProcessDescription,
  type ProcessId,
  readComplaint,
  refuteEquivocation,
  type Slot,
  type UnitFault,
} from '../protocol/index.ts'

export interface JudgeParts {
  /** A process as its own spawn message proves it; nothing, if nobody in reach has that. */
  readonly describe: (process: ProcessId) => Promise<ProcessDescription | undefined>
  /** What this node's own evaluation gave for the frame that begins with a slot: its certificate; nothing, if it has none. */
  readonly evaluated: (process: ProcessDescription, firstSlot: Slot) => Promise<Uint8Array | undefined>
}

export type Judged = Pick<EvidenceEntry, 'kind' | 'process' | 'accused' | 'length' | 'epoch' | 'slot' | 'message'>

const NOTHING = { length: undefined, epoch: undefined, slot: undefined, message: undefined } as const

export interface JudgeOptions {
  /** Whether it is judged once more, after a start: of complaints, which change nothing, their signatures are not checked again then. */
  readonly isAgain?: boolean
  /** Whether there is room for a complaint that says so: what is not kept is not checked either. */
  readonly hasRoom: (complaint: Judged) => boolean
}

/**
 * What a piece of evidence shows; whoever brought it is not believed. Nothing, if it is a complaint for which there is no room.
 * @throws {Failure} `bad-evidence`, `unknown-process`
 */
export async function judge(bytes: Uint8Array, parts: JudgeParts, options: JudgeOptions): Promise<Judged | undefined> {
  try {
    return await judgeRecord(decodeEvidence(bytes), parts, options)
  } catch (error) {
    if (Failure.is(error) || !(error instanceof MalformedBytes)) throw error
    throw new Failure('bad-evidence', {}, { cause: error, note: error.message })
  }
}

function judgeRecord(record: EvidenceRecord, parts: JudgeParts, options: JudgeOptions): Promise<Judged | undefined> {
  switch (record.kind) {
    case 'equivocation':
      return judgeEquivocation(record.proof, parts)
    case 'fault':
      return judgeUnit(record.fault, parts)
    case 'complaint':
      return judgeComplaint(record.complaint, parts, options)
  }
}

async function judgeEquivocation(proof: EquivocationProof, parts: JudgeParts): Promise<Judged> {
  const process = await known(parts, proof.process)
  refuse(refuteEquivocation(proof, process))
  const accused = feedOfEpoch(process, proof.epoch)?.signers ?? []
  return { ...NOTHING, kind: 'equivocation', process: process.id, accused, length: proof.length, epoch: proof.epoch }
}

async function judgeUnit(fault: UnitFault, parts: JudgeParts): Promise<Judged> {
  const process = await known(parts, fault.process)
  const verdict = judgeFault(fault, process)
  if (verdict.verdict === 'refuted') throw refusal(verdict.reason)
  const { accused, certificate } = verdict
  if (verdict.verdict === 'open') {
    const own = await parts.evaluated(process, certificate.firstSlot)
    if (own === undefined) throw refusal('it takes an evaluation to tell, and this node has not evaluated that frame')
    // Whose scheduler signed two feeds has evaluated the one it was given: that is no fault of its own.
    if (!equalBytes(decodeCertificate(own).frameHash, certificate.frameHash))
      throw refusal('the accused speaks of another frame than the one that was evaluated here')
    if (equalBytes(own, fault.certificateBytes)) throw refusal('evaluated here, the frame gave what the accused signed')
  }
  return { ...NOTHING, kind: 'fault', process: process.id, accused: [accused], slot: certificate.firstSlot }
}

async function judgeComplaint(
  complaint: Complaint,
  parts: JudgeParts,
  { isAgain = false, hasRoom }: JudgeOptions,
): Promise<Judged | undefined> {
  const { process, message } = factsOrThrow(complaintFacts(complaint))
  const accused = (await parts.describe(process))?.policy.schedulers ?? []
  const judged: Judged = { ...NOTHING, kind: 'complaint', process, accused, message }
  if (!hasRoom(judged)) return undefined
  if (!isAgain) factsOrThrow(readComplaint(complaint))
  return judged
}

function factsOrThrow(facts: ComplaintFacts | string): ComplaintFacts {
  if (typeof facts === 'string') throw refusal(facts)
  return facts
}

async function known({ describe }: JudgeParts, id: ProcessId): Promise<ProcessDescription> {
  const process = await describe(id)
  if (process === undefined) throw new Failure('unknown-process', { process: id })
  return process
}

function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw refusal(reason)
}

function refusal(note: string): Failure {
  return new Failure('bad-evidence', {}, { note })
}
