import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import expected from '../../../processes/agent/engine-hash.json' with { type: 'json' }
import { KEPT_COUNT } from '../../../processes/agent/for-good.ts'
import { agentRuntime } from '../../../processes/agent/index.ts'
import { AgentModule, encodeAgentModule, type GuestFactory } from '../../../protocol/index.ts'
import { fakeModule } from '../../fakes/guest-context.ts'
import { AgentDriver, request, spawnMessage } from './agent-driver.ts'

it('is the engine that the protocol names', () => {
  const text = readFileSync(new URL('../../../docs/protocol/agent.md', import.meta.url), 'utf8')
  expect(text).toContain(expected.sha256)
})

it('is the same, whatever was compiled before by the program that makes it', async () => {
  const processes = new URL('../../../processes/', import.meta.url)
  // As in a clone where none was made yet.
  const clone = await mkdtemp(fileURLToPath(new URL('../.cache/engine-', processes)))
  for (const file of [
    'build-files.mjs',
    'agent/build-engine.mjs',
    'agent/optimize-engine.mjs',
    'agent/kept-counts.mjs',
    'agent/expressions.mjs',
    'agent/engine-hash.json',
  ])
    await cp(new URL(file, processes), join(clone, file))
  const script = `
    import binaryen from 'binaryen'
    import { buildAgentEngine } from './agent/build-engine.mjs'
    binaryen.setLowMemoryUnused(true)
    console.log(await buildAgentEngine('.'))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: clone,
    encoding: 'utf8',
  })
  await rm(clone, { recursive: true })
  expect([stdout, stderr]).toEqual(['built\n', ''])
})

const PROMISED = { name: 'small', version: '1', args: {}, state: {}, messages: {}, queries: {}, events: {} }

/** An agent whose handler `run` is JavaScript as the engine gets it. */
function agentOf(run: string, around = ''): { readonly driver: AgentDriver; readonly factory: GuestFactory } {
  const code = `
const any = { '~standard': { version: 1, vendor: 'x', validate: value => ({ value }) } }
${around}
__atoll.define({ kind: 'agent', contract: { kind: 'contract', name: 'small', version: '1', args: any, state: any, queries: {}, events: {},
  messages: { run: { input: any, reply: any, allow: ['anyone'], doc: undefined } },
}, definition: { init: () => 0, on: { run: ${run} } } })`
  const container = { agent: 1, name: 'small', version: '1', code, interface: PROMISED }
  const module = fakeModule('agent', encodeAgentModule(AgentModule.parse(container)))
  const factory = agentRuntime.load(agentRuntime.prepare(module), module)
  const driver = new AgentDriver(factory)
  driver.run(spawnMessage())
  return { driver, factory }
}

const ROUNDS = 20_000
/** Makes in each round what is counted, has some of it twice, and gives all up: more than memory holds if it stayed. */
const CHURN = `(_, rounds) => {
  let last, sum = 0
  for (let round = 0; round < rounds; round++) {
    const text = 'x'.repeat(200) + round, list = [text, { text, round }, 0.5 + round, 12345678901234567890n * BigInt(round)]
    last = { list, again: list, call: () => list }
    sum += last.call()[1].text.length + last.again.length
  }
  return sum
}`

it('frees what nobody has any more, and nothing that somebody has', () => {
  const { driver, factory } = agentOf(CHURN)
  let sum = 0
  for (let round = 0; round < ROUNDS; round++) sum += 200 + `${round}`.length + 4
  expect(driver.run(request('run', ROUNDS)).output).toEqual({ reply: sum })
  expect(driver.guest.pages).toBe(factory.image.pages)
})

/** Uses, changes and throws away what stands in the image, in as many ways as there are; makes circles until the engine collects. */
const USES = `async (ctx, rounds) => {
  let seen = 0
  for (let round = 0; round < rounds; round++) {
    class Other extends Shared { #own = round; get own() { return this.#own } static { seen++ } }
    const other = new Other(), { name: renamed, ...rest } = { ...shared, round }
    seen += other.own + other.hello().length + renamed.length + Object.keys(rest).length
    const [first, ...others] = [...list, ...new Set(list), ...new Map([['a', shared]]).keys()]
    seen += others.map(String).concat(first).join('').length + JSON.stringify(shared).length + JSON.parse('{"name":[1,{"a":null}]}').name.length
    for (const [key, value] of Object.entries(shared)) seen += key.length + String(value).length
    for (const letter of words()) seen += letter.length
    for await (const letter of laterWords()) seen += letter.length
    const watched = new Proxy(shared, { get: (target, key, whole) => Reflect.get(target, key, whole), ownKeys: Reflect.ownKeys })
    seen += watched.name.length + Object.keys(watched).length
    seen += 'a-b-c'.replace(pattern, found => found.toUpperCase()).split('-').length + [...'abc'.matchAll(/./g)].length
    seen += new Uint8Array([1, 2, 3]).map(one => one * 2).reduce((sum, one) => sum + one, 0) + Number(12345678901234567890n % 97n)
    seen += (await Promise.all([1, Promise.resolve(2), new Promise(resolve => resolve(3))])).length + new Date(0).toISOString().length
    try { shared.missing.name } catch (error) { seen += error instanceof TypeError ? error.stack.length > 0 : 0 }
    try { list.fail() } catch { seen += 1 } finally { seen += 1 }
    list.sort((a, b) => b.length - a.length).reverse()
    shared['extra' + (round % 3)] = { round, nested: shared.nested }
    delete shared['extra' + ((round + 1) % 3)]
    Object.defineProperty(Shared.prototype, 'late', { get() { return this.hello() }, configurable: true, enumerable: round % 2 === 0 })
    Array.prototype.fail = round % 2 === 0 ? function () { throw this } : undefined
    weak.set({ round }, shared); seen += weak.has(shared) ? 1 : 0
    held.set(round % 5, { held, list, back: () => held })
    const circle = { round, text: 'y'.repeat(500) }
    circle.self = [circle, shared]
    seen += structuredClone(shared).name.length + new TextEncoder().encode(shared.name).length + Symbol.for('one').description.length
    switch (shared.name) { case 'none': break; case 'shared': seen += 1 }
    seen += ((a, b = shared) => b.name.length)(1) + tag\`a\${round}b\` + (shared?.name ?? 'none').at(-1).length + Math.max(...[1, 2])
  }
  return seen
}`
const SHARED = `
class Shared { name = 'shared'; hello() { return 'hello' } }
const shared = { name: 'shared', when: 1, nested: { list: ['a', 'b'] } }
const list = ['one', 'three', 'seven'], pattern = /[a-c]/g, weak = new WeakMap(), held = new Map()
function* words() { yield* list; yield shared.name }
async function* laterWords() { for (const word of list) yield await word }
const tag = (texts, ...values) => texts.raw.length + values.length`
const USED_ROUNDS = 5_000
/** More than all rounds count. */
const COUNTED_MAX = 2 ** 28

it('leaves the counts of what stands in an image as they are', () => {
  const { driver, factory } = agentOf(USES, SHARED)
  const { ending, output } = driver.run(request('run', USED_ROUNDS))
  expect(ending.status === 'error' ? ending.error : undefined).toBeUndefined()
  expect(output?.['reply']).toBeGreaterThan(USED_ROUNDS)
  let kept = 0
  const changed: number[] = []
  for (const [index, content] of factory.image.chunks) {
    const [words, now] = [content, driver.guest.chunk(index)].map(bytes => new Int32Array(bytes.slice().buffer))
    words?.forEach((word, at) => {
      if (word !== KEPT_COUNT) return
      kept += 1
      const ahead = Math.abs((now?.[at] ?? 0) - KEPT_COUNT)
      // Free memory holds such a word by chance, and is written over: a count that changes goes up and down.
      if (ahead > 0 && ahead < COUNTED_MAX) changed.push(4096 * index + 4 * at)
    })
  }
  expect(kept).toBeGreaterThan(5000)
  expect(changed).toEqual([])
})

/** Closures with twenty variables each: nothing that the engine lists is smaller than such a variable. */
const names = Array.from({ length: 20 }, (_, at) => `v${at}`)
const CROWDED = `
const crowd = []
for (let k = 0; k < 52_000; k++) {
  let ${names.join(' = k, ')} = k
  crowd.push(() => ${names.join(' + ')})
}`

it('keeps as many objects for good as a module can make', () => {
  const { driver } = agentOf('(_, at) => crowd[at]()', CROWDED)
  expect(driver.run(request('run', 51_999)).output).toEqual({ reply: 20 * 51_999 })
})
