import { expect, test } from 'vitest'
import { Agreement } from '../../agreement/agreement.ts'
import {
  asKeyId,
  type Attestation,
  type Certificate,
  certificateMessage,
  ed25519Sign,
  encodeCertificate,
  Failure,
  type KeyId,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { AGREED_UNITS, agreedProcess as process } from '../fakes/agreed-process.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf } from '../fakes/signed-items.ts'

const PAGE = 64
const hash = new Uint8Array(32)
const certificateAt = (firstSlot: number): Certificate => ({
  process: process.id,
  firstSlot,
  count: 1,
  frameHash: hash,
  resultsRoot: hash,
  stateRoot: hash,
  gas: 0n,
})

function wordOf(unit: number, index: number): Attestation {
  const certificateBytes = encodeCertificate(certificateAt(index))
  const signature = ed25519Sign(seedOf(unit + 1), certificateMessage(certificateBytes))
  return { index, unit, certificateBytes, signature }
}

/** A unit that missed every word of the others about `frames` frames. */
function unitBehind(frames: number, attestations: (unit: KeyId, from: number) => Promise<readonly Attestation[]>) {
  const clock = new ManualClock()
  const final: number[] = []
  const log = MemoryLog.open()
  log.directory.process = async () => process
  const agreement = new Agreement({
    key: AGREED_UNITS[0] as KeyId,
    unit: { sign: (bytes: Uint8Array) => ed25519Sign(seedOf(1), certificateMessage(bytes)) } as never,
    log,
    clock,
    peers: {
      attest: async () => undefined,
      attestations: (unit: KeyId, _: unknown, from: number) => attestations(unit, from),
    } as never,
    describe: async () => process,
    final: (_, { firstSlot }) => void final.push(firstSlot),
  })
  for (let index = 0; index < frames; index++) {
    const certificate = certificateAt(index)
    agreement.evaluated({ process, index, certificate, certificateBytes: encodeCertificate(certificate) }, [])
  }
  return { agreement, clock, final }
}

test('a unit that missed hundreds of words of the others asks for page after page, and does not wait for one that is gone', async () => {
  const asked: KeyId[] = []
  const { agreement, clock, final } = unitBehind(200, async (unit, from) => {
    asked.push(unit)
    if (unit === AGREED_UNITS[2]) return new Promise(() => undefined)
    return Array.from({ length: Math.min(PAGE, 200 - from) }, (_, n) => wordOf(1, from + n))
  })
  await settle()
  expect(final).toEqual([])
  clock.advance(250)
  await expect.poll(() => final.length, { timeout: 60_000 }).toBe(200)
  expect(asked.filter(unit => unit === AGREED_UNITS[2])).toHaveLength(1)
  agreement.stop()
})

test('and who has nothing for it is asked later, and later', async () => {
  let calls = 0
  const { agreement, clock } = unitBehind(1, async () => {
    calls += 1
    if (calls % 2 === 0) throw new Failure('unreachable')
    return []
  })
  for (let passed = 0; passed < 10_000; passed += 250) {
    await settle()
    clock.advance(250)
  }
  await settle()
  // Two units, after 250, 500, 1,000, 2,000 and 4,000 ms.
  expect(calls).toBe(10)
  agreement.stop()
})

test('words are taken from units of the process alone, and others have their turn meanwhile', async () => {
  const { agreement, clock, final } = unitBehind(200, async () => [])
  await settle()
  let turns = 0
  const sleep = clock.sleep.bind(clock)
  clock.sleep = (ms, options) => {
    turns += ms === 0 ? 1 : 0
    return sleep(ms, options)
  }
  const words = Array.from({ length: 200 }, (_, index) => wordOf(1, index))
  await agreement.heard(process.id, words, asKeyId(keyOf(99)))
  expect([final.length, turns]).toEqual([0, 0])
  await agreement.heard(process.id, words, AGREED_UNITS[1])
  expect([final.length, turns]).toEqual([200, 3])
  agreement.stop()
})
