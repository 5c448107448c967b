import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Schema } from '../../../contract/index.ts'
import { formOf } from '../../../processes/agent/guest/forms.ts'
import { type QuickCheck, quickCheck, UNSURE } from '../../../processes/agent/guest/quick-check.ts'

/** Schemas that have a quick check, over all kinds and checks that it knows. */
const KNOWN: Readonly<Record<string, z.ZodType>> = {
  text: z.string(),
  'text of some length': z.string().min(2).max(4),
  number: z.number(),
  'whole number': z.number().int().min(-3).max(3),
  int: z.int(),
  bounds: z.number().gt(0).lt(1),
  flag: z.boolean(),
  null: z.null(),
  anything: z.unknown(),
  'one of': z.enum(['a', 'b', '']),
  literal: z.literal('a'),
  'may be null': z.string().nullable(),
  list: z.array(z.number()).min(1).max(3),
  record: z.object({
    a: z.string(),
    b: z.number().int(),
    c: z.boolean().optional(),
    d: z.array(z.string()).default([]),
    e: z.number().default(7),
    f: z.object({ a: z.string().nullable() }).optional(),
  }),
}

/** Schemas that do more than is known: there is none. */
const UNKNOWN: Readonly<Record<string, z.ZodType>> = {
  refined: z.string().refine(text => text !== 'a'),
  trimmed: z.string().trim(),
  email: z.email(),
  matched: z.string().regex(/a/),
  coerced: z.coerce.number(),
  stepped: z.number().multipleOf(2),
  strict: z.strictObject({ a: z.string() }),
  loose: z.looseObject({ a: z.string() }),
  'refined record': z.object({ a: z.string() }).refine(() => true),
  piped: z.string().transform(text => text.length),
  'list of refined': z.array(z.string().refine(() => true)),
  'optional of refined': z.object({
    a: z
      .string()
      .refine(() => true)
      .optional(),
  }),
  readonly: z.object({ a: z.string() }).readonly(),
  union: z.union([z.string(), z.number()]),
  date: z.date(),
}

interface Tree {
  readonly children: readonly Tree[]
}

const TREE: z.ZodType<Tree> = z.object({
  get children() {
    return z.array(TREE)
  },
})

const values = fc.letrec(tie => ({
  leaf: fc.oneof(
    fc.constantFrom(
      'a',
      'b',
      '',
      null,
      undefined,
      0,
      -0,
      1,
      0.5,
      3,
      4,
      2 ** 53,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      true,
      false,
    ),
    fc.string({ maxLength: 5 }),
    fc.double(),
    fc.integer({ min: -5, max: 5 }),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  record: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), tie('value'), {
    maxKeys: 7,
  }),
  value: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('list'), tie('record')),
})).value

function checkOf(schema: Schema): QuickCheck | undefined {
  const form = formOf(schema)
  return form && quickCheck(form)
}

describe('a quick check', () => {
  it.each(Object.entries(KNOWN))('of %s gives what the schema gives, or does not know', (_, schema) => {
    const quick = checkOf(schema)
    if (quick === undefined) throw new TypeError('expected a quick check')
    let known = 0
    const compare = (value: unknown): void => {
      const checked = quick.value(value, false)
      expect(quick.test(value)).toBe(checked !== UNSURE)
      if (checked === UNSURE) return
      known += 1
      const parsed = schema.safeParse(value)
      expect(parsed.success).toBe(true)
      expect(checked).toStrictEqual(parsed.data)
      expect(JSON.stringify(checked)).toBe(JSON.stringify(parsed.data))
      const copy = structuredClone(value)
      expect(quick.value(copy, true)).toStrictEqual(schema.parse(structuredClone(value)))
    }
    fc.assert(fc.property(values, compare), { numRuns: 2000 })
    for (const value of [
      { a: 'x', b: 1 },
      { b: 2, a: '', c: true, d: ['q'], f: { a: null, b: 1 }, z: 1 },
      [1, 2],
      'ab',
      0.5,
      1,
      true,
      null,
      'a',
    ])
      compare(value)
    expect(known).toBeGreaterThan(0)
  })

  it('makes what is somebody else’s anew', () => {
    const list = checkOf(z.array(z.string()))
    const given = ['a']
    expect(list?.value(given, false)).not.toBe(given)
    expect(list?.value(given, true)).toBe(given)
  })

  it('knows what is right: the schema is asked for little else', () => {
    const record = checkOf(KNOWN['record'] ?? z.never())
    expect(record?.value({ a: 'x', b: 1 }, false)).toStrictEqual({ a: 'x', b: 1, d: [], e: 7 })
    expect(record?.value({ a: 'x', b: 1.5 }, false)).toBe(UNSURE)
    expect(record?.value({ a: 'x' }, false)).toBe(UNSURE)
    expect(record?.value([], false)).toBe(UNSURE)
  })

  it('gives a new default each time', () => {
    const record = checkOf(KNOWN['record'] ?? z.never())
    const [one, other] = [record?.value({ a: 'x', b: 1 }, false), record?.value({ a: 'x', b: 1 }, false)]
    expect(Reflect.get(Object(one), 'd')).not.toBe(Reflect.get(Object(other), 'd'))
  })

  it.each(Object.entries({ ...UNKNOWN, tree: TREE }))('of a schema that does more (%s) is none', (_, schema) => {
    expect(checkOf(schema)).toBeUndefined()
  })

  it('of a schema of another library is none', () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'other',
        validate: (value: unknown) => ({ value }),
      },
    }
    expect(checkOf(schema)).toBeUndefined()
  })
})
