import { fromUtf8 } from '../../protocol/index.ts'
import { describe, expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'

const FIVE = ['a', 'b', 'c', 'd', 'e'] as const
const ELSEWHERE = { node: 'a', computeUnits: ['b', 'c', 'd'], agree: 2, through: 'e' } as const

describe('a process with its scheduler on one node and three compute units on others, two of which must agree', () => {
  test('is spoken to through a node that has no part in it', async () => {
    await using net = await createTestNet({ nodes: FIVE })
    const counter = await net.spawn('counter', ELSEWHERE)
    const sent = await counter.send({ action: 'Add', tags: [{ name: 'Quantity', value: '5' }] })
    const result = await sent.result()
    expect(fromUtf8(result.output)).toBe('5')
    expect(result).toMatchObject({ final: true, attested: { needed: 2, of: 3 } })
    await net.settled()
    await net.expectConverged()
  })
})
