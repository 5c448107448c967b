import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toldSchema } from '../../mcp/told-schema.ts'
import { toldText } from '../../mcp/told-text.ts'
import type { JsonSchema } from '../../protocol/index.ts'

const told = (given: JsonSchema) => toldSchema(given, { patterns: true })

describe('a schema is told', () => {
  const Tree = z.object({ name: z.string().max(9), children: z.array(z.lazy((): z.ZodType => Tree)) })

  test.each([
    z.object({ by: z.int().min(1), how: z.enum(['a', 'b']).default('a'), when: z.iso.datetime().optional() }),
    z.record(z.string().regex(/^[a-z]+$/), z.union([z.null(), z.tuple([z.number(), z.boolean()])])),
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a') }),
      z.object({ kind: z.literal(2) }).describe('two'),
    ]),
    Tree,
  ])('as it is, where it is one: %#', schema => {
    const { $schema, ...given } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema
    expect(told(given)).toEqual(given)
  })

  test.each<[string, JsonSchema, JsonSchema]>([
    ['properties that are none', { type: 'object', properties: 5, required: 'x' }, { type: 'object' }],
    ['types that are none', { type: 'strange', items: { type: ['null', 7] } }, { items: { type: ['null'] } }],
    ['patterns that are none', { pattern: '(', format: 'nope' }, {}],
    ['names of its own', { $id: 'http://x/y', $schema: 'http://x', $anchor: 'a', type: 'null' }, { type: 'null' }],
    ['references elsewhere', { $ref: 'http://x/y', not: { $ref: '#/$defs/a' }, $defs: {} }, { not: {}, $defs: {} }],
    ['choices of nothing', { enum: [], anyOf: [], oneOf: [5], minLength: -1, minimum: '1' }, {}],
    ['more than a model reads', { type: 'object', default: 'x'.repeat(20_000) }, { type: 'object' }],
  ])('without %s', (_what, given, expected) => {
    expect(told(given)).toEqual(expected)
  })

  test('no deeper than anybody looks', () => {
    let given: JsonSchema = { type: 'null' }
    for (let depth = 0; depth < 1000; depth++) given = { not: given }
    expect(JSON.stringify(told(given)).match(/not/g)).toHaveLength(33)
  })

  test('without patterns, where their writer chooses what is checked by them', () => {
    expect(toldSchema({ type: 'string', pattern: '^(a+)+$' }, { patterns: false })).toEqual({ type: 'string' })
  })
})

test('words of a stranger are told in one line, all of it to be seen, and not endless', () => {
  expect(toldText('Adds.\n\u001b[2J\u202eold\u{e0041}\u{e0042} 🙂')).toBe('Adds. [2J old  🙂')
  expect(toldText('🙂'.repeat(2000))).toMatch(/^(?:🙂){511}.?\u2026$/u)
})
