import { equalBytes, MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { attests, type Certificate, decodeCertificate } from './certificate.ts'
import { unitAt } from '../epochs/epoch-policy.ts'
import type { KeyId } from '../ids.ts'
import { leafHash, merkleRoot } from '../crypto/merkle.ts'
import type { ProcessDescription, ProcessPolicy } from '../process/process.ts'
import { readSmall } from '../process/push.ts'
import { decodeResult, encodeResult, type Result, resultHeadOf } from './result.ts'

/** What one compute unit says a frame gave: its certificate, signed outside its feed. */
export interface Attestation {
  /** Index of the block in the feed of messages and in that of results. */
  readonly index: number
  /** Position of the unit in the process's policy. */
  readonly unit: number
  readonly certificateBytes: Uint8Array
  readonly signature: Uint8Array
}

/** A frame for which as many compute units agree as its process asks for, with all that came of it. */
export interface FinalFrame {
  readonly index: number
  readonly certificateBytes: Uint8Array
  /** By position in the policy, ascending. */
  readonly signatures: readonly UnitSignature[]
  /** `[result, …]` of all slots, as stored. */
  readonly resultsBytes: Uint8Array
}

export interface UnitSignature {
  readonly unit: number
  readonly signature: Uint8Array
}

/** Who attests a result, and how many are needed before it is the process's own word. */
export interface Attested {
  readonly by: readonly KeyId[]
  readonly needed: number
  readonly of: number
}

/** Whether that is enough. */
export const isFinal = ({ by, needed }: Attested): boolean => by.length >= needed

/** The one unit whose word alone counts, if there is one: then nobody has to be waited for. */
export function speaksAlone({ computeUnits, computeQuorum }: ProcessPolicy, unit: KeyId): boolean {
  return computeQuorum === 1 && computeUnits.includes(unit)
}

/** Does this unit of the process say so? Gives the certificate, or nothing. */
export function certificateOf(attestation: Attestation, process: ProcessDescription): Certificate | undefined {
  const key = unitAt(process.policy, attestation.unit)
  if (key === undefined) return undefined
  try {
    const certificate = decodeCertificate(attestation.certificateBytes)
    const holds =
      certificate.process === process.id && attests(key, attestation.certificateBytes, attestation.signature)
    return holds ? certificate : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/**
 * Do these results follow from what the compute units of the process attest? Whoever gave them is not believed.
 * @returns the certificate and the results in slot order, or the reason it does not hold
 */
export function readFinalFrame(
  frame: FinalFrame,
  process: ProcessDescription,
): { certificate: Certificate; results: readonly Uint8Array[]; decoded: readonly Result[] } | string {
  try {
    const certificate = decodeCertificate(frame.certificateBytes)
    if (certificate.process !== process.id) return 'the certificate is of another process'
    const results = readResults(frame.resultsBytes)
    if (results.length !== certificate.count) return 'the certificate is of another number of slots'
    const root = merkleRoot(results.map(bytes => leafHash(resultHeadOf(bytes))))
    if (!equalBytes(root, certificate.resultsRoot)) return 'the certificate does not hold the results'
    const signed = new Set<number>()
    for (const { unit, signature } of frame.signatures) {
      const attestation = {
        index: frame.index,
        unit,
        certificateBytes: frame.certificateBytes,
        signature,
      }
      if (signed.has(unit) || certificateOf(attestation, process) === undefined) return 'a signature does not hold'
      signed.add(unit)
    }
    if (signed.size < process.policy.computeQuorum) return 'too few compute units signed'
    const decoded = results.map(decodeResult)
    // The head holds hashes of the rest: encoding it again computes them.
    if (decoded.some((result, i) => !equalBytes(encodeResult(result).bytes, results[i] ?? NO_BYTES)))
      return 'a result differs from its head'
    return { certificate, results, decoded }
  } catch (error) {
    if (error instanceof MalformedBytes) return error.message
    throw error
  }
}

const NO_BYTES = new Uint8Array(0)

/** The encoded results in `[result, …]`. @throws {MalformedBytes} */
function readResults(bytes: Uint8Array): Uint8Array[] {
  const reader = new CborReader(bytes)
  const results = Array.from({ length: reader.array() }, () => reader.bytes())
  reader.end()
  return results
}

export function encodeAttestations(attestations: readonly Attestation[]): Uint8Array {
  const writer = new CborWriter()
  writer.array(attestations.length)
  for (const { index, unit, certificateBytes, signature } of attestations) {
    writer.array(4)
    writer.uint(index)
    writer.uint(unit)
    writer.bytes(certificateBytes)
    writer.bytes(signature)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeAttestations(bytes: Uint8Array): Attestation[] {
  const reader = new CborReader(bytes)
  const attestations: Attestation[] = []
  for (let left = reader.array(); left > 0; left--) {
    if (reader.array() !== 4) throw new MalformedBytes('attestation: expected 4 fields', reader.offset)
    const [index, unit] = [readSmall(reader), readSmall(reader)]
    attestations.push({ index, unit, certificateBytes: reader.bytes(), signature: reader.bytes() })
  }
  reader.end()
  return attestations
}

export function encodeFinalFrames(frames: readonly FinalFrame[]): Uint8Array {
  const writer = new CborWriter()
  writer.array(frames.length)
  for (const { index, certificateBytes, signatures, resultsBytes } of frames) {
    writer.array(4)
    writer.uint(index)
    writer.bytes(certificateBytes)
    writer.array(signatures.length)
    for (const { unit, signature } of signatures) {
      writer.array(2)
      writer.uint(unit)
      writer.bytes(signature)
    }
    writer.bytes(resultsBytes)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeFinalFrames(bytes: Uint8Array): FinalFrame[] {
  const reader = new CborReader(bytes)
  const frames: FinalFrame[] = []
  for (let left = reader.array(); left > 0; left--) {
    if (reader.array() !== 4) throw new MalformedBytes('final frame: expected 4 fields', reader.offset)
    const [index, certificateBytes] = [readSmall(reader), reader.bytes()]
    const signatures: UnitSignature[] = []
    for (let signers = reader.array(); signers > 0; signers--) {
      if (reader.array() !== 2) throw new MalformedBytes('signature: expected 2 fields', reader.offset)
      signatures.push({ unit: readSmall(reader), signature: reader.bytes() })
    }
    frames.push({ index, certificateBytes, signatures, resultsBytes: reader.bytes() })
  }
  reader.end()
  return frames
}
