import { fromBase64Url, MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { ed25519VerifyAgain } from '../crypto/crypto.ts'
import { asProcessId, type KeyId, type ProcessId, type Slot } from '../ids.ts'
import { readHash, readId, readSmall } from '../process/push.ts'

/** A block of a results feed: what one compute unit got from one frame. Exactly one for each frame. */
export interface Certificate {
  readonly process: ProcessId
  readonly firstSlot: Slot
  readonly count: number
  /** Hash of the frame's bytes (`frameHash`): says from which log the results follow. */
  readonly frameHash: Uint8Array
  /** Merkle root over the result heads of the frame. */
  readonly resultsRoot: Uint8Array
  /** State root after the last slot of the frame. */
  readonly stateRoot: Uint8Array
  /** Gas of all slots of the frame. */
  readonly gas: bigint
}

export function encodeCertificate(certificate: Certificate): Uint8Array {
  const writer = new CborWriter()
  writer.array(8)
  writer.uint(1)
  writer.base64Url(certificate.process)
  writer.uint(certificate.firstSlot)
  writer.uint(certificate.count)
  writer.bytes(certificate.frameHash)
  writer.bytes(certificate.resultsRoot)
  writer.bytes(certificate.stateRoot)
  writer.uint(certificate.gas)
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  const reader = new CborReader(bytes)
  if (reader.array() !== 8) throw new MalformedBytes('certificate: expected 8 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('certificate: unknown version', reader.offset)
  const certificate: Certificate = {
    process: asProcessId(readId(reader)),
    firstSlot: readSmall(reader),
    count: readSmall(reader),
    frameHash: readHash(reader),
    resultsRoot: readHash(reader),
    stateRoot: readHash(reader),
    gas: BigInt(reader.uint()),
  }
  reader.end()
  return certificate
}

/** What a compute unit signs to attest a certificate outside its feed. */
export function certificateMessage(certificateBytes: Uint8Array): Uint8Array {
  const domain = toUtf8('atoll/certificate/1\0')
  const message = new Uint8Array(domain.length + certificateBytes.length)
  message.set(domain)
  message.set(certificateBytes, domain.length)
  return message
}

/** Whether the compute unit of that key attests a certificate. */
export function attests(unit: KeyId, certificateBytes: Uint8Array, signature: Uint8Array): boolean {
  return ed25519VerifyAgain(fromBase64Url(unit), certificateMessage(certificateBytes), signature)
}
