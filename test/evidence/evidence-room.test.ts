import { expect, test } from 'vitest'
import { EvidenceRoom } from '../../evidence/evidence-room.ts'
import {
  asKeyId,
  asProcessId,
  EVIDENCE_ELSEWHERE_MAX_BYTES,
  EVIDENCE_PER_PROCESS_MAX,
  type EvidenceEntry,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'

const entryOf = (kind: EvidenceEntry['kind'], process: number, nth = 0): EvidenceEntry => ({
  id: `${kind} ${process} ${nth}`,
  kind,
  process: asProcessId(Buffer.alloc(32, process).toString('base64url')),
  accused: [asKeyId(keyOf(1))],
  length: undefined,
  epoch: undefined,
  slot: undefined,
  message: undefined,
  seenMs: 0,
  bytes: new Uint8Array(1_000_000),
})

test('evidence of processes that have no feed here shares room, and leaves that of others alone', () => {
  const room = new EvidenceRoom()
  const kept: EvidenceEntry[] = []
  for (let process = 0; process < 20; process++) {
    const entry = entryOf('equivocation', process)
    if (!room.has(entry, entry.bytes.length, true)) break
    room.take(entry, true)
    kept.push(entry)
  }
  expect(kept).toHaveLength(Math.floor(EVIDENCE_ELSEWHERE_MAX_BYTES / 1_000_000))
  for (const kind of ['equivocation', 'fault'] as const)
    expect([true, false].map(isElsewhere => room.has(entryOf(kind, 99), 1_000_000, isElsewhere))).toEqual([false, true])
  expect(room.has(entryOf('complaint', 99), 1_000_000, true)).toBe(true)
  // What gives way leaves its room to another.
  for (const entry of kept.slice(0, 1)) room.give(entry)
  expect(room.has(entryOf('fault', 99), 1_000_000, true)).toBe(true)
})

test('one process has so many pieces of each kind, wherever it is', () => {
  const room = new EvidenceRoom()
  for (let nth = 0; nth < EVIDENCE_PER_PROCESS_MAX; nth++) room.take(entryOf('fault', 1, nth), false)
  expect(room.has(entryOf('fault', 1, 99), 1, false)).toBe(false)
  expect(room.has(entryOf('equivocation', 1), 1, false)).toBe(true)
  expect(room.has(entryOf('fault', 2), 1, false)).toBe(true)
})
