import { MalformedBytes } from '../codec/bytes.ts'
import { CborReader, type CborWriter } from '../codec/cbor.ts'
import { decodeCertificate } from '../results/certificate.ts'
import { MERKLE_ARITY, type MerklePath } from '../crypto/merkle.ts'
import { type PushProof, readHash, readSmall } from './push.ts'

/** As bytes: whoever need not check it passes over it at once. */
export function writePushProof(writer: CborWriter, proof: PushProof): void {
  const start = writer.begin()
  writer.array(5)
  writer.bytes(proof.resultHead)
  writePath(writer, proof.outboxPath)
  writePath(writer, proof.resultPath)
  writer.bytes(proof.certificateBytes)
  writer.array(proof.signatures.length * 2)
  for (const { unit, signature } of proof.signatures) {
    writer.uint(unit)
    writer.bytes(signature)
  }
  writer.end(start)
}

/** @throws {MalformedBytes} */
export function decodePushProof(bytes: Uint8Array): PushProof {
  const reader = new CborReader(bytes)
  if (reader.array() !== 5) throw new MalformedBytes('proof: expected 5 fields', reader.offset)
  const resultHead = reader.bytes()
  const outboxPath = readPath(reader)
  const resultPath = readPath(reader)
  const certificateBytes = reader.bytes()
  const certificate = decodeCertificate(certificateBytes)
  const parts = reader.array()
  const signatures: { unit: number; signature: Uint8Array }[] = []
  for (let i = 0; i < parts; i += 2) signatures.push({ unit: readSmall(reader), signature: reader.bytes() })
  reader.end()
  return { resultHead, outboxPath, resultPath, certificate, certificateBytes, signatures }
}

export function writePath(writer: CborWriter, path: MerklePath): void {
  writer.array(path.length)
  for (const level of path) {
    writer.array(level.length)
    for (const hash of level) writer.bytes(hash)
  }
}

/** @throws {MalformedBytes} */
export function readPath(reader: CborReader): MerklePath {
  const levels = reader.array()
  if (levels > 8) throw new MalformedBytes('proof: path too long', reader.offset)
  const path: Uint8Array[][] = []
  for (let i = 0; i < levels; i++) {
    const width = reader.array()
    if (width >= MERKLE_ARITY) throw new MalformedBytes('proof: level too wide', reader.offset)
    const level: Uint8Array[] = []
    for (let j = 0; j < width; j++) level.push(readHash(reader))
    path.push(level)
  }
  return path
}
