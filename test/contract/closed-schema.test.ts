import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkValue, closedSchema, schemaOfJson } from '../../contract/index.ts'
import type { JsonSchema } from '../../protocol/index.ts'

const ajv = new AjvJsonSchemaValidator()
const tells = (schema: JsonSchema, value: unknown): boolean => ajv.getValidator(closedSchema(schema))(value).valid
const refuses = (schema: JsonSchema, value: unknown): boolean => !checkValue(schemaOfJson(schema), value).ok

test('objects say that they take the fields they name only, wherever they stand', () => {
  const item = z.object({ name: z.string() })
  const schema = z.toJSONSchema(
    z.object({
      item,
      list: z.array(item),
      by: z.record(z.string(), item),
      either: z.union([item, z.object({ code: z.int() })]),
      any: z.looseObject({ a: z.int() }),
      ints: z.object({ a: z.int() }).catchall(z.int()),
    }),
    { io: 'input' },
  )
  const named = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
  const closed = { ...named, additionalProperties: false }
  expect(closedSchema(schema)).toMatchObject({
    properties: {
      item: closed,
      list: { items: closed },
      by: { additionalProperties: closed },
      either: { anyOf: [closed, { properties: { code: {} }, additionalProperties: false }] },
      any: { additionalProperties: {} },
      ints: { additionalProperties: { type: 'integer' } },
    },
    additionalProperties: false,
  })
  expect(closedSchema({ type: 'object' })).toEqual({ type: 'object' })
  expect(closedSchema({ type: 'object', properties: {} })).toMatchObject({ additionalProperties: false })
})

const A = { properties: { a: {} } }
const B = { properties: { b: {} } }

test.each<[string, JsonSchema, unknown, boolean]>([
  ['a field of one form', { anyOf: [A, B] }, { a: 1 }, true],
  ['fields of two forms', { anyOf: [A, B] }, { a: 1, b: 1 }, false],
  ['a field of the schema and one of a form', { ...A, anyOf: [B] }, { a: 1, b: 1 }, true],
  ['a field of the schema and one of a form of a form', { ...A, anyOf: [{ oneOf: [B] }] }, { a: 1, b: 1 }, true],
  ['fields of forms of two kinds', { anyOf: [A], oneOf: [B] }, { a: 1, b: 1 }, true],
  ['a field of nobody within a form', { ...A, anyOf: [{ properties: { b: A } }] }, { b: { c: 1 } }, false],
  ['a field that another part names', { ...A, allOf: [B] }, { a: 1, b: 1 }, true],
  ['a field that a pattern names', { ...A, patternProperties: { '^b': {} } }, { a: 1, b: 1 }, true],
  ['a field that a reference names', { $ref: '#/$defs/a', $defs: { a: A } }, { a: 1, b: 1 }, true],
])('%s: what a schema says and what the check does are one', (_what, schema, value, isTaken) => {
  expect([tells(schema, value), !refuses(schema, value)]).toEqual([isTaken, isTaken])
})

test('a schema of any depth is read to its bound', () => {
  let deep: JsonSchema = A
  for (let level = 0; level < 100_000; level++) deep = { properties: { a: deep } }
  let [at, isClosed] = [closedSchema(deep), 0]
  for (; at['additionalProperties'] === false; isClosed++) at = (at as typeof A).properties.a
  expect(isClosed).toBe(32)
})
