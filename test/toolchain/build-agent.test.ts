import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentRuntime } from '../../processes/index.ts'
import { decodeAgentModule, Failure } from '../../protocol/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { fakeModule } from '../fakes/guest-context.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atoll-toolchain-'))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text)
  return path
}

const PROGRAM = `
import { z } from 'zod'
import { contract, message } from 'atoll/contract'
const Greeter = contract({
  name: 'greeter',
  version: '2.1.0',
  messages: { greet: message({ input: z.object({ who: z.string() }), reply: z.string(), doc: 'Says hello' }) },
})
export default Greeter.implement({ on: { greet: (_, { who }) => \`hello \${who}\` } })
`

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('expected a failure')
}

describe('a program', { timeout: 180_000 }, () => {
  it('becomes a module that tells what it promises and runs', async () => {
    const built = await buildAgent(await write('greeter.process.ts', PROGRAM))
    expect(built).toMatchObject({ name: 'greeter', version: '2.1.0' })
    const module = decodeAgentModule(built.bytes)
    expect(module.interface.messages['greet']).toMatchObject({
      doc: 'Says hello',
      input: { type: 'object', properties: { who: { type: 'string' } } },
      reply: { type: 'string' },
    })
    expect(built.inputs).toContain(join(folder, 'greeter.process.ts'))
    const description = fakeModule('agent', built.bytes)
    agentRuntime.load(agentRuntime.prepare(description), description).close()
  })

  it('gives the same bytes wherever it lies, and none that tell where', async () => {
    const one = await buildAgent(await write('a/greeter.process.ts', PROGRAM))
    const other = await buildAgent(await write('another/place/greeter.process.ts', PROGRAM))
    expect(Buffer.compare(one.bytes, other.bytes)).toBe(0)
    const text = Buffer.from(one.bytes).toString('utf8')
    expect(text).not.toContain(folder.slice(1))
    expect(text).not.toContain(ROOT.slice(1, -1))
    expect(decodeAgentModule(one.bytes).map?.sources).toEqual(['greeter.process.ts'])
  })

  it.each([
    ['zod', "import { z } from 'zod'", 'z.object({ who: z.string() })'],
    ['valibot', "import * as v from 'valibot'", 'v.object({ who: v.string() })'],
    ['arktype', "import { type } from 'arktype'", "type({ who: 'string' })"],
  ])('may have schemas of %s', async (name, imports, schema) => {
    const source = `${imports}\n${PROGRAM.replace('z.object({ who: z.string() })', schema).replace("import { z } from 'zod'", '').replace('reply: z.string(), ', '')}`
    const built = await buildAgent(await write(`${name}.process.ts`, source))
    const description = fakeModule('agent', built.bytes)
    agentRuntime.load(agentRuntime.prepare(description), description).close()
  })

  it('may bring classes of browsers of its own', async () => {
    const own = `Object.assign(globalThis, { Blob: class { parts = [] } })
if (!(new Blob([]) instanceof Blob) || {} instanceof Blob || {} instanceof File) throw new Error('expected its own class')
`
    const built = await buildAgent(await write('own.process.ts', own + PROGRAM))
    const description = fakeModule('agent', built.bytes)
    agentRuntime.load(agentRuntime.prepare(description), description).close()
  })

  it('can name the modules of those that it spawns', async () => {
    const id = 'm'.repeat(42).concat('A')
    const built = await buildAgent(await write('greeter.process.ts', PROGRAM), {
      modules: { counter: id },
    })
    expect(decodeAgentModule(built.bytes).modules).toEqual({ counter: id })
  })
})

describe('a program that cannot be built', { timeout: 180_000 }, () => {
  it.each([
    [
      'a syntax error',
      'const a = 1\nconst b = = 2\nexport default a',
      { file: 'bad.process.ts', line: 2, column: 11 },
      'Unexpected',
    ],
    [
      'an import that is not there',
      "import { a } from './nowhere.ts'\nexport default a",
      { file: 'bad.process.ts', line: 1, column: 19 },
      'nowhere',
    ],
    [
      'a package that is not there',
      "import a from 'no-such-package'\nexport default a",
      { file: 'bad.process.ts', line: 1, column: 15 },
      'no-such-package',
    ],
    [
      'an import of Node',
      "import fs from 'node:fs'\nexport default fs",
      { file: 'bad.process.ts', line: 1, column: 16 },
      'runs without Node',
    ],
    [
      'an import of what does not run inside',
      "import { connect } from 'atoll/node'\nexport default connect",
      { file: 'bad.process.ts', line: 1, column: 25 },
      'atoll/contract',
    ],
    [
      'an await at its top level',
      'const a = await Promise.resolve(1)\nexport default a',
      { file: 'bad.process.ts', line: 1, column: 11 },
      'await in a message',
    ],
    ['no default export', 'export const a = 1', { file: 'bad.process.ts' }, 'default export'],
    ['a default export of something else', 'export default { on: {} }', { file: 'bad.process.ts' }, 'implement'],
  ])('with %s is told where and why', async (_, source, details, why) => {
    const failure = await failureOf(buildAgent(await write('bad.process.ts', source)))
    expect(failure.code).toBe('bad-program')
    expect(failure.details).toEqual(details)
    expect(failure.message).toContain(why)
  })

  it('is told if the file is not there', async () => {
    const failure = await failureOf(buildAgent(join(folder, 'nothing.process.ts')))
    expect(failure).toMatchObject({ code: 'bad-program', details: { file: 'nothing.process.ts' } })
  })

  it.each([
    [
      'a throw at its top level',
      `${PROGRAM}\nthrow new Error('too early')`,
      'top-level',
      /too early \(bad\.process\.ts:\d+:\d+\)/,
    ],
    ['a contract that cannot be', PROGRAM.replace("'greeter'", "'not a name'"), 'threw', /bad\.process\.ts/],
    [
      'a loop without end at its top level',
      `${PROGRAM}\nfor (;;) Greeter.name`,
      'out-of-gas',
      /its top level: the gas .* \(bad\.process\.ts:\d+:\d+\)/,
    ],
    ['what is not there', `${PROGRAM}\nfetch('http://example.org')`, 'unavailable', /'fetch' is not available/],
  ])('with %s is refused, with its place', { timeout: 180_000 }, async (_, source, _rule, why) => {
    const failure = await failureOf(buildAgent(await write('bad.process.ts', source)))
    expect(failure.code).toBe('module-refused')
    expect(failure.message).toMatch(why)
  })
})

describe('a module that is not what it says', () => {
  const container = (code: string): Uint8Array =>
    Buffer.from(
      JSON.stringify({
        agent: 1,
        name: 'x',
        version: '1',
        code,
        interface: {
          name: 'x',
          version: '1',
          args: {},
          state: {},
          messages: {},
          queries: {},
          events: {},
        },
      }),
    )
  const refusal = (bytes: Uint8Array): Promise<Failure> =>
    failureOf(Promise.resolve().then(() => agentRuntime.prepare(fakeModule('agent', bytes))))

  it.each([
    ['no JSON', Buffer.from('{'), /agent-module/],
    ['another container', Buffer.from('{"agent":2}'), /agent-module/],
    ['code that defines nothing', container(''), /defines no agent/],
    ['code that defines two', container('__atoll.define({});__atoll.define({})'), /defines 2 agents/],
    ['code that defines something else', container('__atoll.define({})'), /default export/],
    ['code that is none', container('let let = 1'), /./],
    ['code that recurses for ever', container('(function f(){ f() })()'), /call stack|nested too deep/],
    [
      'code that takes all memory',
      container('const a=[];for(;;)a.push(new Uint8Array(65536))'),
      /out of memory|all of its memory/,
    ],
    ['code that says half a character', container('throw "\\ud800"'), /./],
  ])('%s is refused', { timeout: 180_000 }, async (_, bytes, why) => {
    const failure = await refusal(bytes)
    expect(failure.code).toBe('module-refused')
    expect(failure.message).toMatch(why)
  })
})
