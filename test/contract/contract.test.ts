import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { contract, durationMs, MalformedContract, message, query } from '../../contract/index.ts'
import { Counter } from './counter.contract.ts'

/** Parts that the types refuse, as plain JavaScript would give them. */
const made = (parts: object): unknown =>
  Reflect.apply(contract, undefined, [{ name: 'counter', version: '1', ...parts }])
const problemOf = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    if (error instanceof MalformedContract && error.code === 'malformed-contract') return error.message
    throw error
  }
  return 'none'
}

describe('a contract', () => {
  test('is a frozen object with what was left out filled in', () => {
    const bare = contract({ name: 'bare', version: '1', messages: { ping: message() } })
    expect(Object.isFrozen(bare) && Object.isFrozen(bare.messages)).toBe(true)
    expect(bare).toMatchObject({ kind: 'contract', queries: {}, events: {} })
    expect(bare.messages.ping.allow).toEqual(['anyone'])
    expect(Counter.messages.reset.allow).toEqual(['owner', 'self'])
  })

  test('has names that code, wire and shell can say', () => {
    const ping = { ping: message() }
    expect(problemOf(() => made({ messages: { 'Credit-Notice': message(), a_1: message() } }))).toBe('none')
    expect(problemOf(() => made({ name: '' }))).toMatch(/^contract: expected a name .* got ""$/)
    expect(problemOf(() => made({ name: 'a b' }))).toMatch(/got "a b"$/)
    expect(problemOf(() => made({ version: '' }))).toMatch(/^counter: expected a version/)
    for (const name of ['', '1st', 'a.b', 'a b', 'é', 'x'.repeat(65)]) {
      expect(
        problemOf(() => made({ messages: { [name]: message() } })),
        name,
      ).toMatch(/expected a name/)
      expect(
        problemOf(() => made({ events: { [name]: z.string() } })),
        name,
      ).toMatch(/expected a name/)
    }
    expect(problemOf(() => made({ messages: { '@state': message() } }))).toMatch(/^counter\.@state: .*runtime's own/)
    for (const name of ['send', 'then', 'state', 'constructor', 'id'])
      expect(
        problemOf(() => made({ queries: { [name]: query({ reply: z.string() }) } })),
        name,
      ).toMatch(/choose another/)
    const both = { messages: ping, queries: { ping: query({ reply: z.string() }) } }
    expect(problemOf(() => made(both))).toBe('counter.ping: is a message and a query; give one of them another name')
  })

  test('is implemented by one function for each name, and no other', () => {
    const query_ = { total: () => 1, above: () => true }
    const init = () => ({ total: 0 })
    const implemented = (definition: object): string =>
      problemOf(() => Reflect.apply(Counter.implement, undefined, [{ init, query: query_, ...definition }]))
    const on = { add: () => 1, reset: () => undefined }
    expect(implemented({ on })).toBe('none')
    expect(implemented({ on: { add: () => 1 } })).toBe('counter.reset: the message has no function in `on`')
    expect(implemented({ on: { ...on, reset: 1 } })).toMatch(/^counter\.reset/)
    expect(implemented({ on: { ...on, more: () => 1 } })).toMatch(/^counter\.more: .*no such message$/)
    expect(implemented({ on, query: {} })).toMatch(/^counter\.total: the query/)
    expect(implemented({ on, reentrant: ['nope'] })).toMatch(/^counter\.nope: is said to be reentrant/)
    // What every object inherits is no function of ours.
    const odd = contract({ name: 'odd', version: '1', messages: { isPrototypeOf: message() } })
    expect(problemOf(() => Reflect.apply(odd.implement, undefined, [{ on: {} }]))).toMatch(/^odd\.isPrototypeOf/)
  })

  test('remembers where it was implemented', () => {
    const made = Counter.implement({
      init: () => ({ total: 0 }),
      on: { add: () => 1, reset: () => undefined },
      query: { total: () => 1, above: () => true },
    })
    expect(made.madeAt).toContain('contract.test.ts')
    expect(made.kind).toBe('agent')
    expect(Object.isFrozen(made) && Object.isFrozen(made.definition)).toBe(true)
  })
})

describe('durations', () => {
  test('are milliseconds, or a number with its unit', () => {
    expect(['250ms', '30s', '2m', '1.5h', '7d', 20].map(one => durationMs(one as '30s'))).toEqual([
      250, 30_000, 120_000, 5_400_000, 604_800_000, 20,
    ])
    for (const wrong of ['', '30', 's', '-1s', '1 s', 'Infinity', '1w', -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => durationMs(wrong as '30s'), String(wrong)).toThrow(/expected a duration/)
  })
})
