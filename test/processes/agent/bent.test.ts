import { describe, expect, it } from 'vitest'
import { agentRuntime } from '../../../processes/agent/index.ts'
import { AgentModule, encodeAgentModule } from '../../../protocol/index.ts'
import { fakeModule } from '../../fakes/guest-context.ts'
import { AgentDriver, request, spawnMessage } from './agent-driver.ts'

const NOTHING = `{ '~standard': { version: 1, vendor: 'x', validate: value => ({ value }) } }`

/** A program that bends its own engine when it is told to. */
const program = (bend: string): string => `
const any = ${NOTHING}
const message = { input: any, reply: any, allow: ['anyone'], doc: undefined }
__atoll.define({ kind: 'agent', contract: {
  kind: 'contract', name: 'bent', version: '1', args: any, state: any, messages: { bend: message, well: message }, queries: {}, events: {},
}, definition: { init: () => ({}), on: { bend(ctx) { ${bend} }, well: () => 'well' } } })`

function start(bend: string, loaded = ''): AgentDriver {
  const promised = {
    name: 'bent',
    version: '1',
    args: {},
    state: {},
    messages: {},
    queries: {},
    events: {},
  }
  const container = {
    agent: 1,
    name: 'bent',
    version: '1',
    code: program(bend) + loaded,
    interface: promised,
  }
  const module = fakeModule('agent', encodeAgentModule(AgentModule.parse(container)))
  const driver = new AgentDriver(agentRuntime.load(agentRuntime.prepare(module), module))
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

const SEND = `ctx.send({ to: 'a'.repeat(43), data: 'x' });`

describe('a program that bends its engine harms only its own slot', { timeout: 180_000 }, () => {
  it.each([
    ['no JSON', `${SEND} JSON.stringify = () => '{'`],
    ['effects that are a list', `${SEND} JSON.stringify = () => '[]x'`],
    ['a message of numbers', `${SEND} JSON.stringify = () => '{"sends":[[0,1,2,3]]}'`],
    ['a message of another kind', `${SEND} JSON.stringify = () => '{"sends":[[2,"a",[],"b"]]}'`],
    ['tags that are none', `${SEND} JSON.stringify = () => '{"sends":[[0,"a",[{}],"b"]]}'`],
    ['a timer without end', `${SEND} JSON.stringify = () => '{"timers":[["k",1e400]]}'`],
    ['a timer of characters', `${SEND} JSON.stringify = () => '{"timers":[["\\u4e00",5]]}'`],
    ['a reply that nobody wrote', `JSON.stringify = () => '\\u0001'; return 'x'`],
    ['failures that are no list', `${SEND} JSON.stringify = () => '{"failures":{}}'`],
    ['no failures', `${SEND} JSON.stringify = () => '{"failures":[]}'`],
    [
      'a code as long as a book',
      `${SEND} JSON.stringify = () => '{"failures":[[0,"' + 'a'.repeat(100) + '","","",true,-1]]}'`,
    ],
  ])('%s', (_, bend) => {
    const driver = start(bend)
    const { ending } = driver.run(request('bend', {}))
    expect(ending).toMatchObject({ status: 'error', error: { code: 'trap' } })
    expect(driver.run(request('well', {})).output).toEqual({ reply: 'well' })
  })

  it.each([
    [
      'lists that never end',
      'Array.prototype.shift = () => () => undefined; Promise.resolve().then(() => 1); return new Promise(() => 1)',
    ],
    ['maps that throw', 'Map.prototype.get = () => { throw new Error("no map") }'],
    [
      'promises that are none',
      'Promise.prototype.then = () => { throw new Error("no then") }; return Promise.resolve(1)',
    ],
    ['texts of half characters', 'throw new Error("\\ud800")'],
    ['errors that throw when they are read', 'throw { get message() { throw 1 }, toString() { throw 2 } }'],
    ['a getter in place of a reply', 'return { get a() { throw new Error("no a") } }'],
  ])('%s', (_, bend) => {
    const driver = start(bend)
    const before = driver.guest.engine()
    const { ending } = driver.run(request('bend', {}), 300_000_000n)
    expect(['ok', 'error']).toContain(ending.status)
    expect(driver.guest.engine()).toEqual(before)
  })

  it.each([
    ['no text', 'Array.prototype.map = () => 5'],
    ['no list', 'Array.prototype.toJSON = () => "x"'],
    ['lists of nothing', 'Array.prototype.map = () => [5, null, [], [1, 2, 3]]'],
    ['names that are none', 'Array.prototype.map = () => [[{}, null, null]]'],
    [
      'more than there are',
      'Array.prototype.map = () => Array.from({ length: 1000 }, () => ["well", { kind: "text" }, null])',
    ],
    ['a form of another kind', 'Array.prototype.map = () => [["bend", { kind: "text" }, { kind: "number" }]]'],
    [
      'a form without end',
      'let f = { kind: "text" }; for (let i = 0; i < 200; i++) f = { kind: "nullable", of: f }; Array.prototype.map = () => [["well", f, f]]',
    ],
    [
      'samples that are none',
      'const f = sample => ({ kind: "object", fields: [], sample }); Array.prototype.map = () => [["well", f(0), f(1)], ["bend", f(-1), f(1e9)], ["well", f(0.5), f("0")]]',
    ],
    [
      'fields that are no fields of a sample',
      'Array.prototype.map = () => [["well", { kind: "object", fields: [{ key: "x", form: { kind: "text" } }], sample: 1 }, null]]',
    ],
  ])('by telling %s of itself when it is loaded', (_, loaded) => {
    const driver = start(`return 'bent'`, `\n;{ ${loaded} }`)
    expect(driver.run(request('well', {})).ending.status).toBe('ok')
    expect(driver.run(request('bend', { a: [1] })).ending.status).toBe('ok')
    expect(driver.run(request('bend', 'text')).output?.['reply']).toBeDefined()
  })

  /** Code that gets hold of what the prelude keeps, and does something to it. */
  const samplesBentBy = (code: string): string => `
    any._zod = { def: { type: 'object', shape: {} } }; any['~standard'].vendor = 'zod'
    const { push } = Array.prototype; Array.prototype.push = function (...items) {
      if (Array.isArray(this[0]) && this[1]?.action === '') { const samples = this; ${code} }
      return push.apply(this, items) }`
  it('by leaving what messages are made like, it runs', () => {
    expect(start(`return 'bent'`, `\n;${samplesBentBy('')}`).run(request('well', {})).output).toEqual({ reply: 'well' })
  })
  it.each([
    ['another object', 'samples[1] = {}'],
    ['one with a getter', 'samples[1] = { ...samples[1], get input() { return 1 } }'],
    ['one with many fields', 'samples[1] = { ...samples[1], ...Array.from({ length: 100 }, (_, at) => at) }'],
    [
      'a number that leads somewhere',
      'globalThis.kept = new Int32Array(9000).fill(0x00010002); samples[1] = 1_600_000',
    ],
    ['no list', 'samples[0] = 1_600_000'],
    ['an object in place of a list', 'samples[0] = {}'],
    ['nothing', 'samples.length = 0'],
    ['a list of another kind', 'samples[0] = Object.defineProperty([1, 2], 5, { get: () => 1 })'],
  ])('by making messages like %s, it is refused', (_, code) => {
    expect(() => start(`return 'bent'`, `\n;${samplesBentBy(code)}`)).toThrow(/bends what messages are made of/)
  })

  it('with a line of the log that is long', () => {
    const driver = start(`ctx.log('atoll:'.padEnd(60000, 'a') + ' agent.js:'); return 'well'`)
    const { ending, context } = driver.run(request('bend', {}))
    expect(ending.status).toBe('ok')
    expect(context.lines[0]).toHaveLength(60_010)
  })

  it('when it is loaded, it is refused', () => {
    for (const code of [
      'JSON.stringify = () => "{"; throw new Error("x")',
      'JSON.stringify = () => { throw 1 }; throw 2',
      'throw undefined',
    ]) {
      const promised = {
        name: 'bent',
        version: '1',
        args: {},
        state: {},
        messages: {},
        queries: {},
        events: {},
      }
      const container = { agent: 1, name: 'bent', version: '1', code, interface: promised }
      const module = fakeModule('agent', encodeAgentModule(AgentModule.parse(container)))
      expect(() => agentRuntime.prepare(module)).toThrow(/breaks a rule/)
    }
  })
})
