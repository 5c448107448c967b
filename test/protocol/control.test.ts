import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeTags, isControl, isControlSpelled } from '../../protocol/index.ts'
import { inside } from '../fakes/inside.ts'

const name = fc.constantFrom('Type', 'type', 'Typ', 'Types', 'Tyqe', 'Action', '', 'Typé')
const value = fc.constantFrom(
  'Control',
  'control',
  'Contro',
  'Controls',
  'Message',
  'Type',
  '',
  '\u0008Type\u000eControl',
)
const tags = fc.array(fc.record({ name, value }), { maxLength: 5 })

it('control messages are told by their tags as they stand in an item, as by the tags themselves', () => {
  const seen = new Set<boolean>()
  fc.assert(
    fc.property(tags, list => {
      const is = isControl(list)
      seen.add(is)
      expect(isControlSpelled(inside(encodeTags(list)))).toBe(is)
    }),
    { numRuns: 1000 },
  )
  expect(seen.size).toBe(2)
  expect(isControlSpelled(inside(new Uint8Array([0])))).toBe(false)
  const first = { name: 'Type', value: 'Message' }
  expect(isControlSpelled(inside(encodeTags([first, { ...first, value: 'Control' }])))).toBe(false)
})
