import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  decodeComplaint,
  decodeEquivocation,
  decodeFault,
  decodeResultProof,
  encodeComplaint,
  encodeEquivocation,
  encodeFault,
  encodeResultProof,
  fromHex,
  fromUtf8,
  judgeFault,
  provenProcess,
  readComplaint,
  refuteEquivocation,
  verifyProof,
} from '../../protocol/index.ts'

interface Vectors {
  readonly process: string
  readonly spawn: string
  readonly result: { readonly slot: number; readonly output: string; readonly proof: string }
  readonly equivocation: { readonly length: number; readonly proof: string }
  readonly fault: { readonly unit: number; readonly proof: string }
  readonly complaint: { readonly message: string; readonly complaint: string }
}

// Whoever keeps a proof must be able to check it in years to come: these bytes stay as they are.
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/proofs.json'), 'utf8')) as Vectors
const process = provenProcess([fromHex(vectors.spawn)])

test('a proof of a result that was written down holds, byte for byte', () => {
  const bytes = fromHex(vectors.result.proof)
  const { slot, result, process: about } = verifyProof(bytes, { trusted: vectors.process })
  expect([slot, about.id, result && fromUtf8(result.output)]).toEqual([
    vectors.result.slot,
    vectors.process,
    vectors.result.output,
  ])
  expect(encodeResultProof(decodeResultProof(bytes))).toEqual(bytes)
})

test('so does evidence', () => {
  const twins = fromHex(vectors.equivocation.proof)
  expect(refuteEquivocation(decodeEquivocation(twins), process)).toBeUndefined()
  expect(decodeEquivocation(twins).length).toBe(vectors.equivocation.length)
  expect(encodeEquivocation(decodeEquivocation(twins))).toEqual(twins)
  const lie = fromHex(vectors.fault.proof)
  expect(judgeFault(decodeFault(lie), process)).toMatchObject({
    verdict: 'proven',
    accused: process.policy.computeUnits[vectors.fault.unit],
  })
  expect(encodeFault(decodeFault(lie))).toEqual(lie)
  const complaint = fromHex(vectors.complaint.complaint)
  expect(readComplaint(decodeComplaint(complaint))).toEqual({
    message: vectors.complaint.message,
    process: vectors.process,
  })
  expect(encodeComplaint(decodeComplaint(complaint))).toEqual(complaint)
})
