/**
 * A compute unit signed what a frame did not give.
 *
 * `[1, 1, bytes process, bytes certificate, uint unit, bytes signature, other]`, `other` being `null` or
 * `[bytes certificate, [uint unit, bytes signature, …]]`
 *
 * 1. The accused signed the certificate: it is of the policy of the process, and its signature holds.
 * 2. The other certificate is of the same frame, says something else, and is signed by as many other units as must agree; or by
 *    the accused itself, which then has said two things of one frame.
 * 3. Without another certificate, whoever has the feed evaluates it up to that frame and sees for himself: a certificate is a
 *    function of the feed alone.
 */
import { policyOfUnit, unitAt } from '../epochs/epoch-policy.ts'
import { equalBytes, MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { attests, type Certificate, decodeCertificate } from '../results/certificate.ts'
import { asProcessId, type KeyId, type ProcessId } from '../ids.ts'
import type { ProcessDescription, ProcessPolicy } from '../process/process.ts'
import { readId, readSmall } from '../process/push.ts'

interface UnitSigned {
  /** Position in the policy of the process. */
  readonly unit: number
  readonly signature: Uint8Array
}

export interface UnitFault extends UnitSigned {
  readonly process: ProcessId
  readonly certificateBytes: Uint8Array
  readonly other: { readonly certificateBytes: Uint8Array; readonly signatures: readonly UnitSigned[] } | undefined
}

/** What has come of looking at an accusation. `open`: it takes an evaluation to tell. */
export type FaultVerdict =
  | { readonly verdict: 'proven' | 'open'; readonly accused: KeyId; readonly certificate: Certificate }
  | { readonly verdict: 'refuted'; readonly reason: string }

/** Signatures in one proof: as many as must agree, and no policy asks for more. */
const SIGNATURES_MAX = 256

const refuted = (reason: string): FaultVerdict => ({ verdict: 'refuted', reason })

/** @throws {MalformedBytes} if a certificate is none */
export function judgeFault(fault: UnitFault, process: ProcessDescription): FaultVerdict {
  const { id } = process
  const policy = policyOfUnit(process, fault.unit)
  const accused = policy && unitAt(policy, fault.unit)
  const certificate = decodeCertificate(fault.certificateBytes)
  if (fault.process !== id || certificate.process !== id) return refuted('it is about another process')
  if (policy === undefined || accused === undefined || !unitSigned(policy, fault.certificateBytes, fault))
    return refuted('the accused has not signed it')
  if (fault.other === undefined) return { verdict: 'open', accused, certificate }
  const reason = refuteOther(fault, certificate, decodeCertificate(fault.other.certificateBytes), policy)
  return reason === undefined ? { verdict: 'proven', accused, certificate } : refuted(reason)
}

function refuteOther(
  { other, ...fault }: UnitFault,
  said: Certificate,
  told: Certificate,
  policy: ProcessPolicy,
): string | undefined {
  if (other === undefined || equalBytes(other.certificateBytes, fault.certificateBytes)) return 'both say the same'
  if (
    told.process !== said.process ||
    told.firstSlot !== said.firstSlot ||
    !equalBytes(told.frameHash, said.frameHash)
  ) {
    return 'the other certificate is of another frame'
  }
  const ascends = other.signatures.every(({ unit }, at) => at === 0 || unit > (other.signatures[at - 1]?.unit ?? 0))
  const holds = ascends && other.signatures.every(signed => unitSigned(policy, other.certificateBytes, signed))
  if (!holds) return 'a signature on the other certificate does not hold'
  const isOwn = other.signatures.length === 1 && other.signatures[0]?.unit === fault.unit
  if (isOwn) return undefined
  if (other.signatures.some(({ unit }) => unit === fault.unit)) return 'the accused stands among its accusers'
  return other.signatures.length < policy.computeQuorum ? 'too few other units say something else' : undefined
}

function unitSigned(policy: ProcessPolicy, certificateBytes: Uint8Array, { unit, signature }: UnitSigned): boolean {
  const key = unitAt(policy, unit)
  return key !== undefined && attests(key, certificateBytes, signature)
}

export function encodeFault({ process, certificateBytes, unit, signature, other }: UnitFault): Uint8Array {
  const writer = new CborWriter()
  writer.array(7)
  writer.uint(1)
  writer.uint(1)
  writer.base64Url(process)
  writer.bytes(certificateBytes)
  writer.uint(unit)
  writer.bytes(signature)
  if (other === undefined) {
    writer.null()
    return writer.finish()
  }
  writer.array(2)
  writer.bytes(other.certificateBytes)
  writer.array(2 * other.signatures.length)
  for (const signed of other.signatures) {
    writer.uint(signed.unit)
    writer.bytes(signed.signature)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeFault(bytes: Uint8Array): UnitFault {
  const reader = new CborReader(bytes)
  if (reader.array() !== 7) throw new MalformedBytes('fault: expected 7 fields', 0)
  if (reader.uint() !== 1 || reader.uint() !== 1) throw new MalformedBytes('fault: unknown version', reader.offset)
  const process = asProcessId(readId(reader))
  const [certificateBytes, unit, signature] = [reader.bytes(), readSmall(reader), reader.bytes()]
  const other = readOther(reader)
  reader.end()
  return { process, certificateBytes, unit, signature, other }
}

function readOther(reader: CborReader): UnitFault['other'] {
  if (reader.isNull()) return reader.null() ?? undefined
  if (reader.array() !== 2) throw new MalformedBytes('fault: expected 2 fields of the other', reader.offset)
  const certificateBytes = reader.bytes()
  const parts = reader.array()
  if (parts % 2 !== 0 || parts > 2 * SIGNATURES_MAX)
    throw new MalformedBytes('fault: bad number of signatures', reader.offset)
  const signatures = Array.from({ length: parts / 2 }, () => ({ unit: readSmall(reader), signature: reader.bytes() }))
  return { certificateBytes, signatures }
}
