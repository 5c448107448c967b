import { expect, test } from 'vitest'
import { schedulerLocation } from '../../gateway/ao/find-item.ts'
import type { AoFacadeParts } from '../../gateway/index.ts'
import { schedulerAt } from '../../node/peers/scheduler-at.ts'
import { type KeyId, type PeerRecord, signDataItemSync } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { seedOf } from '../fakes/signed-items.ts'

const [own, linked, known, silent, messenger, odd] = [1, 2, 3, 4, 5, 6].map(keyOf) as [
  KeyId,
  KeyId,
  KeyId,
  KeyId,
  KeyId,
  KeyId,
]

const record = (key: KeyId, changes: Partial<PeerRecord>): [KeyId, PeerRecord] => [
  key,
  { key, addresses: [], roles: ['scheduler'], versionMs: 1, expiresMs: 2, url: undefined, ...changes },
]

test('a scheduler that is known only by the record it signed is where that says, one in reach is spoken to here', () => {
  const held = new Map([
    record(known, { url: 'https://known.example/' }),
    record(silent, {}),
    record(messenger, { roles: ['messenger'], url: 'https://other.example' }),
    record(odd, { url: 'javascript:alert(1)' }),
  ])
  const at = (key: string) => schedulerAt(key, { peers: [linked] }, { of: one => held.get(one) })
  const parts = {
    scheduler: { key: own },
    publicUrl: () => 'http://here.example',
    signItem: fields => signDataItemSync(fields, seedOf(1)),
    schedulerAt: at,
  } as Partial<AoFacadeParts> as AoFacadeParts
  const urlOf = (key: KeyId) => schedulerLocation(parts, key).item.tags.find(({ name }) => name === 'Url')?.value
  expect([own, linked, silent, odd].map(urlOf)).toEqual([
    'http://here.example/su',
    'http://here.example/su',
    'http://here.example/su',
    'http://here.example/su',
  ])
  expect(urlOf(known)).toBe('https://known.example/su')
  expect([linked, known, silent, odd].every(key => at(key) !== undefined)).toBe(true)
  expect([messenger, keyOf(9)].map(at)).toEqual([undefined, undefined])
})
