import { expect, it } from 'vitest'
import { managementTarget } from '../../../gateway/ic/management-target.ts'
import { candidFields, candidRecord, type CandidType, type CandidValue, encodeCandid } from '../../../protocol/index.ts'

const ID = new Uint8Array(10).fill(7)

/** An argument that names a canister, and has something else in front of it or behind. */
const argument = (name: string, type: CandidType, value: CandidValue): Uint8Array =>
  encodeCandid([
    [
      { record: candidFields({ canister_id: 'principal', [name]: type }) },
      candidRecord({ canister_id: { principal: ID }, [name]: value }),
    ],
  ])

it('a stranger has the gateway read no more of an argument than methods need', () => {
  expect(managementTarget('x', argument('arg', { vec: 'nat8' }, new Uint8Array(1_000_000)))).toEqual(ID)
  expect(managementTarget('x', argument('arg', { vec: 'nat64' }, new Array(5_000).fill(1n)))).toEqual(ID)
  const refused = expect.objectContaining({ error: 'IC0408' })
  expect(() => managementTarget('x', argument('arg', { vec: 'nat64' }, new Array(20_000).fill(1n)))).toThrow(refused)
  expect(() => managementTarget('x', argument('arg', { vec: 'nat' }, new Array(500).fill(2n ** 3_500n)))).toThrow(
    refused,
  )
  expect(() => managementTarget('x', argument('arg', { vec: 'null' }, new Array(5_000).fill(null)))).toThrow(refused)
})
