import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  checkInput,
  checkValue,
  completionsOf,
  contract,
  describeContract,
  formOf,
  inputToSend,
  interfaceOpenApi,
  message,
  nothing,
  query,
  type Schema,
  schemaOfJson,
} from '../../contract/index.ts'
import { InterfaceDescription } from '../../protocol/index.ts'
import { contractOf } from '../../sdk/index.ts'
import { Counter } from './counter.contract.ts'

describe('schemas of any library', () => {
  const by = {
    zod: z.object({ by: z.number().min(1) }),
    valibot: v.object({ by: v.pipe(v.number(), v.minValue(1)) }),
    arktype: type({ by: 'number >= 1' }),
  }

  test.each(Object.entries(by))('%s: are checked, and tell what is wrong where', (_, schema: Schema) => {
    expect(checkValue(schema, { by: 2 })).toEqual({ ok: true, value: { by: 2 } })
    const wrong = checkValue(schema, { by: 0 })
    expect(wrong).toMatchObject({ ok: false, problem: expect.stringMatching(/^by: .*1/) })
  })

  test('give their types to handlers and calls, whichever they are', () => {
    const Mixed = contract({
      name: 'mixed',
      version: '1',
      state: v.object({ total: v.number() }),
      messages: { add: message({ input: type({ by: 'number' }), reply: v.number() }) },
    })
    const made = Mixed.implement({
      init: () => ({ total: 0 }),
      // The compiler knows both: `by` and `total` are numbers.
      on: { add: (ctx, { by }) => (ctx.state.total += by) },
    })
    expect(made.contract.name).toBe('mixed')
    // @ts-expect-error the reply is a number
    Mixed.implement({ init: () => ({ total: 0 }), on: { add: () => 'no' } })
    // @ts-expect-error the input has no such field
    Mixed.implement({ init: () => ({ total: 0 }), on: { add: (_, { more }) => more } })
  })

  test('that answer later are refused, since a process cannot wait for them', () => {
    const later = z.string().refine(async () => true)
    expect(checkValue(later, 'x')).toMatchObject({
      ok: false,
      problem: expect.stringContaining('answers later'),
    })
  })

  test('name the first problems and count the rest', () => {
    const many = checkValue(
      z.array(z.string()),
      Array.from({ length: 20 }, (_, at) => at),
    )
    expect(many).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^0: .*; 7: .*; 12 more$/),
    })
  })

  test('an input that is left out is nothing, or an object of what has defaults', () => {
    const optional = z.object({ start: z.number().default(3) })
    expect(checkInput(optional, undefined)).toEqual({ ok: true, value: { start: 3 } })
    expect([
      inputToSend(optional, undefined),
      inputToSend(nothing, undefined),
      inputToSend(optional, { start: 1 }),
    ]).toEqual([{}, undefined, { start: 1 }])
    expect(checkInput(z.string().optional(), undefined)).toEqual({ ok: true, value: undefined })
    // What is missing is told of as what was given: nothing.
    expect(checkInput(z.object({ by: z.number() }), undefined)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('received undefined'),
    })
    for (const tags of [undefined, null, {}, { Quantity: '5' }]) expect(checkValue(nothing, tags).ok).toBe(true)
    for (const some of [0, '', [], false]) expect(checkValue(nothing, some).ok, JSON.stringify(some)).toBe(false)
  })
})

describe('the description of a contract', () => {
  test('has a schema of all that travels, and is one', () => {
    const described = describeContract(Counter)
    expect(described).toMatchObject({
      name: 'counter',
      version: '1.0.0',
      args: { type: 'object', properties: { start: { type: 'integer', default: 0 } } },
      state: { type: 'object', required: ['total'] },
      messages: {
        add: {
          input: { type: 'object', required: ['by'] },
          reply: { type: 'integer' },
          doc: 'Adds to the total',
        },
        reset: {
          input: { type: 'object', properties: {} },
          reply: { type: 'null' },
          allow: ['owner', 'self'],
        },
      },
      queries: { total: { reply: { type: 'integer' } } },
      events: { changed: { type: 'object' } },
    })
    // Who sends leaves out what has a default: the schema is of what is taken, not of what is given.
    expect(described.args['required']).toBeUndefined()
    expect(InterfaceDescription.parse(JSON.parse(JSON.stringify(described)))).toEqual(described)
  })

  test('takes schemas from the library, from the caller, or has none', () => {
    const Odd = contract({
      name: 'odd',
      version: '1',
      state: type({ total: 'number' }),
      messages: { set: message({ input: v.object({ at: v.string() }), reply: z.date() }) },
    })
    const plain = describeContract(Odd)
    expect(plain.state).toMatchObject({ type: 'object', required: ['total'] })
    expect(plain.messages['set']).toMatchObject({ input: {}, reply: {} })
    const told = describeContract(Odd, {
      toJsonSchema: schema => (schema['~standard'].vendor === 'valibot' ? { type: 'object' } : undefined),
    })
    expect(told.messages['set']).toMatchObject({ input: { type: 'object' }, reply: {} })
  })

  test('is enough for a client: own input is checked, answers are not', () => {
    const again = contractOf(JSON.parse(JSON.stringify(describeContract(Counter))))
    const add = again.messages['add']
    expect(add && checkInput(add.input, { by: 0 })).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^by: Too small/),
    })
    expect(add && checkInput(add.input, { by: 1 }).ok).toBe(true)
    expect(add && checkValue(add.reply, 'anything').ok).toBe(true)
    expect(again.messages['reset']?.allow).toEqual(['owner', 'self'])
    const wicked = {
      ...describeContract(Counter),
      queries: { constructor: { input: {}, reply: {} } },
    }
    expect(() => contractOf(wicked)).toThrow(expect.objectContaining({ code: 'no-contract' }))
  })
})

describe('a schema that a stranger wrote', () => {
  const takes = (schema: Record<string, unknown>, value: unknown): boolean => checkValue(schemaOfJson(schema), value).ok
  const problem = (schema: Record<string, unknown>, value: unknown): string => {
    const checked = checkValue(schemaOfJson(schema), value)
    return checked.ok ? '' : checked.problem
  }
  const inputSchema = (input: Schema): Record<string, unknown> =>
    describeContract(contract({ name: 'a', version: '1', messages: { m: message({ input }) } })).messages['m']?.input ??
    {}

  test('checks what it says, and tells where it is wrong', () => {
    const schema = {
      type: 'object',
      properties: { pattern: { type: 'string' }, n: { type: 'integer', minimum: 2 } },
      required: ['pattern'],
      additionalProperties: false,
    }
    expect(problem(schema, { pattern: 'x', n: 2 })).toBe('')
    expect(problem(schema, { n: 1, more: 1 })).toBe(
      'pattern: Invalid input: expected string, received undefined; n: Too small: expected number to be >=2; more: Unrecognized field (it takes pattern, n)',
    )
    expect(problem(schema, [])).toBe('Invalid input: expected object, received array')
    expect(problem({ items: { type: ['string', 'null'] }, maxItems: 2 }, ['a', null, 1])).toBe(
      'Too big: expected array to have length <=2; 2: Invalid input: expected string or null, received number',
    )
    expect([takes({ enum: [1, 'a'] }, 'a'), takes({ enum: [1, 'a'] }, 'b'), takes({ const: 1 }, 2)]).toEqual([
      true,
      false,
      false,
    ])
    const either = {
      anyOf: [
        { type: 'string', minLength: 2 },
        { type: 'object', additionalProperties: { type: 'number' } },
      ],
    }
    expect([takes(either, 'ab'), takes(either, 'a'), takes(either, { a: 1 }), takes(either, { a: 'x' })]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })

  /** What a library makes of its own schemas, and what it takes itself. */
  test('agrees with the schema that it was made from, but for fields that this one would drop', () => {
    const made = (object: typeof z.object | typeof z.strictObject) =>
      object({
        by: z.int().min(1),
        who: z.enum(['a', 'b']).optional(),
        on: z.record(z.string(), z.number()).optional(),
        list: z
          .array(z.union([z.string().max(2), z.null()]))
          .max(3)
          .optional(),
        kind: z
          .discriminatedUnion('k', [object({ k: z.literal('x'), n: z.number() }), object({ k: z.literal('y') })])
          .optional(),
      })
    const input = inputSchema(made(z.object))
    const scalar = fc.oneof(fc.integer({ min: -2, max: 4 }), fc.constantFrom('a', 'abc', null, 0.5, true))
    const value = fc.record(
      {
        by: scalar,
        who: scalar,
        on: fc.dictionary(fc.constantFrom('p', 'q'), scalar),
        list: fc.oneof(scalar, fc.array(scalar, { maxLength: 5 })),
        kind: fc.record({ k: fc.constantFrom('x', 'y', 'z'), n: scalar }, { requiredKeys: [] }),
        other: scalar,
      },
      { requiredKeys: ['by'] },
    )
    const strict = made(z.strictObject)
    fc.assert(
      fc.property(value, given => takes(input, given) === strict.safeParse(given).success),
      { numRuns: 2000 },
    )
  })

  test('says of a name that it does not know which it knows, and which was meant, wherever that stands', () => {
    const item = z.object({ name: z.string(), count: z.int().optional() })
    const input = inputSchema(z.object({ item, list: z.array(item).optional(), any: z.looseObject({ a: z.int() }) }))
    const given = { item: { name: 'a', cuont: 2 }, list: [{ name: 'b', x: 1 }], any: { a: 1, b: 2 }, itme: 1 }
    expect(problem(input, given)).toBe(
      'item.cuont: Unrecognized field (it takes name, count; did you mean "count"?); ' +
        'list.0.x: Unrecognized field (it takes name, count); ' +
        'itme: Unrecognized field (it takes item, list, any; did you mean "item"?)',
    )
    expect(problem(inputSchema(nothing), { by: 1 })).toBe('by: Unrecognized field (it takes none)')
    const forms = inputSchema(z.union([z.object({ text: z.string() }), z.object({ code: z.int() })]))
    expect(problem(forms, { code: 1, txet: 'a' })).toBe('txet: Unrecognized field (it takes code)')
    expect(problem(forms, { txet: 'a' })).toBe('Invalid input: expected one of several forms')
  })

  test('leaves fields alone that a part of the schema may take which is not looked at', () => {
    const [one, two] = [z.object({ a: z.int() }), z.object({ b: z.int() })]
    expect(takes(inputSchema(z.intersection(one, two)), { a: 1, b: 2 })).toBe(true)
    expect(takes(inputSchema(one.catchall(z.int())), { a: 1, b: 2 })).toBe(true)
    const named = { type: 'object', properties: { a: {} } }
    for (const more of [{ patternProperties: { '^b': {} } }, { allOf: [{ properties: { b: {} } }] }, { if: {} }])
      expect(takes({ ...named, ...more }, { a: 1, b: 2 })).toBe(true)
    expect(takes({ type: 'object' }, { b: 2 })).toBe(true)
  })

  test("tells no more of a stranger's names than a person reads", () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${'n'.repeat(500)}${at}`, {}]))
    const told = problem({ type: 'object', properties }, { x: 1 })
    expect(told).toContain('484 more')
    expect(told.length).toBeLessThan(1500)
  })

  test('never makes a check last: patterns and references are not followed, depth ends', () => {
    expect(takes({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(40)}!`)).toBe(true)
    const half = { type: 'object', properties: { a: { $ref: '#' }, b: { type: 'string' } } }
    let deep: object = {}
    for (let level = 0; level < 60; level++) deep = { a: deep }
    expect(takes({ anyOf: [half, half] }, deep)).toBe(true)
    for (const keyword of ['anyOf', 'items']) {
      let nested: Record<string, unknown> = { type: 'string' }
      for (let level = 0; level < 100_000; level++)
        nested = keyword === 'anyOf' ? { anyOf: [nested] } : { items: nested }
      expect(takes(nested, [1]), keyword).toBe(true)
    }
  })

  test('of a kind nobody knows takes anything', () => {
    expect(takes({ if: { type: 'string' }, else: { minLength: 3 } }, 'x')).toBe(true)
    expect(takes({ type: 'nonsense', items: 7, required: 'x', properties: [] }, { a: 1 })).toBe(true)
  })
})

describe('what is made from a description', () => {
  const Order = contract({
    name: 'order',
    version: '1',
    messages: {
      place: message({
        input: z.object({
          item: z.string().describe('What is bought'),
          count: z.int().min(1).max(9).default(1),
          size: z.enum(['s', 'm']).optional(),
          to: z.object({ street: z.string(), gift: z.boolean().optional() }),
          notes: z.array(z.string()).optional(),
        }),
        doc: 'Orders something',
      }),
    },
    queries: {
      price: query({ input: z.string(), reply: z.number() }),
      open: query({ reply: z.boolean() }),
    },
  })
  const described = describeContract(Order)

  test('a form has a field for each value, with what may stand in it', () => {
    expect(formOf(described.messages['place']?.input ?? {})).toEqual([
      { path: ['item'], kind: 'text', required: true, doc: 'What is bought' },
      { path: ['count'], kind: 'integer', required: false, default: 1, min: 1, max: 9 },
      { path: ['size'], kind: 'choice', required: false, choices: ['s', 'm'] },
      { path: ['to', 'street'], kind: 'text', required: true },
      { path: ['to', 'gift'], kind: 'boolean', required: false },
      { path: ['notes'], kind: 'json', required: false },
    ])
    expect(formOf(described.queries['price']?.input ?? {})).toEqual([{ path: [], kind: 'text', required: true }])
    expect(formOf(described.queries['open']?.input ?? {})).toEqual([])
    expect(formOf({})).toEqual([{ path: [], kind: 'json', required: true }])
    const own = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/a' }, self: { $ref: '#' } },
      $defs: { a: { const: 7 } },
    }
    expect(formOf(own)).toEqual([
      { path: ['a'], kind: 'choice', required: false, choices: [7] },
      { path: ['self'], kind: 'json', required: false },
    ])
  })

  test('completion knows every message and query, and their fields', () => {
    const lists = completionsOf(described).map(({ name, kind, doc, fields }) => [
      name,
      kind,
      doc,
      fields.map(({ path }) => path.join('.')),
    ])
    expect(lists).toEqual([
      ['place', 'message', 'Orders something', ['item', 'count', 'size', 'to.street', 'to.gift', 'notes']],
      ['price', 'query', undefined, ['']],
      ['open', 'query', undefined, []],
    ])
  })

  test('OpenAPI has an operation for each', () => {
    const document = interfaceOpenApi(described, {
      serverUrl: 'http://127.0.0.1:7334/processes/order',
    })
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'order', version: '1' },
      servers: [{ url: 'http://127.0.0.1:7334/processes/order' }],
      paths: {
        '/place': {
          post: {
            operationId: 'place',
            tags: ['message'],
            summary: 'Orders something',
            requestBody: {
              content: { 'application/json': { schema: { type: 'object', additionalProperties: false } } },
            },
          },
        },
        '/price': {
          post: {
            operationId: 'price',
            tags: ['query'],
            responses: { 200: { content: { 'application/json': { schema: { type: 'number' } } } } },
          },
        },
      },
    })
  })
})
