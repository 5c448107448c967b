import { z } from 'zod'
import { contract, message, query } from '../../../../contract/index.ts'

const Everything = z.object({
  text: z.string(),
  short: z.string().min(2).max(4),
  number: z.number(),
  whole: z.number().int().min(-3).max(3),
  above: z.number().gt(0).lt(1),
  flag: z.boolean(),
  nothing: z.null(),
  word: z.enum(['a', 'b', '']),
  one: z.literal('a'),
  maybe: z.string().nullable(),
  'odd key': z.number(),
  texts: z.array(z.string()),
  few: z.array(z.number()).min(1).max(3),
  nested: z.array(z.object({ name: z.string(), tags: z.array(z.array(z.boolean())) })),
  inner: z.object({ a: z.object({ b: z.object({}) }).nullable() }),
})

const Optional = z.object({ a: z.string(), b: z.number().optional(), c: z.array(z.string()).default(['none']) })

export const Forms = contract({
  name: 'forms',
  version: '1.0.0',
  state: z.object({ kept: z.unknown() }),
  messages: {
    everything: message({ input: Everything, reply: z.string() }),
    optional: message({ input: Optional, reply: z.string() }),
    texts: message({ input: z.array(z.string()), reply: z.string() }),
    number: message({ input: z.number(), reply: z.string() }),
    text: message({ input: z.string(), reply: z.string() }),
    /** Does with what came in what programs do with objects. */
    used: message({ input: Everything, reply: z.string() }),
    kept: message({ input: Everything, reply: z.string() }),
    /** What code gives, as a reply of each kind. */
    gives: message({ input: z.string(), reply: Everything }),
    givesOptional: message({ input: z.string(), reply: Optional }),
    givesAnything: message({ input: z.string(), reply: z.object({ any: z.unknown() }) }),
    givesList: message({ input: z.string(), reply: z.array(z.number().nullable()) }),
    runs: message({ input: z.string(), reply: z.string() }),
  },
  queries: { says: query({ input: Everything, reply: Everything }) },
})

const given = (code: string): never => new Function(code)() as never
const told = (value: unknown): string => JSON.stringify(value)
let saved: { readonly message: unknown } | undefined

export default Forms.implement({
  init: () => ({ kept: null }),
  on: {
    everything: (_, input) => told(input),
    optional: (_, input) => told(input),
    texts: (_, input) => told(input),
    number: (_, input) => `${Object.is(input, -0) ? '-' : ''}${input}`,
    text: (_, input) => input,
    used(_, input) {
      const copy = { ...input, more: 1 }
      const fields = Object.entries(copy).map(([key, value]) => `${key}:${typeof value}`)
      Reflect.deleteProperty(copy, 'text')
      input.texts.push('pushed', `${input.text}!`)
      input.few.length = 1
      input.nested.sort((a, b) => (a.name < b.name ? -1 : 1))
      for (let at = 0; at < 40; at++) Object.assign(input.inner, { [`f${at}`]: [at, input.text] })
      Object.freeze(input.nested)
      return told([fields, copy, input, Object.isFrozen(input.nested), input.text.slice(1) in { a: 1 }])
    },
    kept(ctx, input) {
      const before = told(ctx.state.kept)
      ctx.state.kept = input
      return before
    },
    gives: (_, code) => given(code),
    givesOptional: (_, code) => given(code),
    givesAnything: (_, code) => given(code),
    givesList: (_, code) => given(code),
    runs(ctx, code) {
      if (code === 'save') saved = ctx
      return told(code === 'save' ? code : code === 'saved' ? saved?.message : given(code))
    },
  },
  query: { says: (_, input) => input },
})
