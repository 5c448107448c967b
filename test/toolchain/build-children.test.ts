import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { decodeAgentModule } from '../../protocol/index.ts'
import { buildProject, readProject } from '../../toolchain/index.ts'
import { temporaryFolder } from '../cli/test-terminal.ts'

/** The id of a module that has these children, as whoever signs would name it: the modules of its children count, too. */
const nameOf = (name: string, modules: Readonly<Record<string, string>> = {}): string =>
  createHash('sha256')
    .update(JSON.stringify([name, modules]))
    .digest('base64url')

const contractOf = (name: string): string =>
  `import { contract } from 'atoll/contract'\nexport const ${name.toUpperCase()} = contract({ name: '${name}', version: '1' })\n`
const processOf = (name: string, known: string): string => {
  const all = [...new Set([name, ...known])]
  const imports = all.map(one => `import { ${one.toUpperCase()} } from './${one}.contract.ts'\n`).join('')
  return `${imports}globalThis.known = [${all.map(one => one.toUpperCase()).join()}]\nexport default ${name.toUpperCase()}.implement({ init: () => ({}) })\n`
}

let folder: string
beforeEach(async () => {
  const temporary = await temporaryFolder()
  onTestFinished(() => temporary[Symbol.asyncDispose]())
  folder = temporary.path
})

async function write(file: string, text: string): Promise<string> {
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await writeFile(join(folder, file), text)
  return join(folder, file)
}

/** What the processes of a project know of the modules of others; `known` says whose contracts each imports. */
async function modulesOf(known: Readonly<Record<string, string>>, place = folder) {
  for (const [name, others] of Object.entries(known)) {
    await write(`${name}.contract.ts`, contractOf(name))
    await write(`${name}.process.ts`, processOf(name, others))
  }
  const built = await buildProject(await readProject(place), async ({ bytes }) => {
    const { name, modules } = decodeAgentModule(bytes)
    return nameOf(name, modules)
  })
  return built.map(({ name, bytes, children }) => {
    const { modules = {} } = decodeAgentModule(bytes)
    return { name, modules, children: children.map(child => decodeAgentModule(child.bytes).name) }
  })
}

describe('agents that spawn others', { timeout: 120_000 }, () => {
  test.each([
    ['that stand before them', { a: '', b: 'a' }, { b: { a: nameOf('a') } }],
    ['that stand behind them', { a: 'b', b: '' }, { a: { b: nameOf('b') } }],
    [
      'that spawn others',
      { a: 'b', b: 'c', c: '' },
      { a: { b: nameOf('b', { c: nameOf('c') }) }, b: { c: nameOf('c') } },
    ],
    ['that spawn them', { a: 'b', b: 'a' }, { a: { b: nameOf('b', { a: nameOf('a') }) }, b: { a: nameOf('a') } }],
  ])('are told the modules of those %s, and nobody else is', async (_, known, expected: object) => {
    const told = (await modulesOf(known)).filter(({ modules }) => Object.keys(modules).length > 0)
    expect(Object.fromEntries(told.map(({ name, modules }) => [name, modules]))).toEqual(expected)
  })

  test('find them where one file is taken alone: in its package, however deep, or in its folder', async () => {
    const known = { a: '', b: 'a', c: 'b' }
    const expected = [{ name: 'c', modules: { b: nameOf('b', { a: nameOf('a') }) }, children: ['a', 'b'] }]
    expect(await modulesOf(known, join(folder, 'c.process.ts'))).toEqual(expected)
    await write('package.json', '{}')
    const deep = processOf('c', 'b').replaceAll(/'\.\/([bc])/g, "'../$1")
    expect(await modulesOf(known, await write('deep/other.process.ts', deep))).toEqual(expected)
  })

  test('do not build what they do not know of', async () => {
    await write('broken.process.ts', '(')
    expect(await modulesOf({ a: '' }, join(folder, 'a.process.ts'))).toMatchObject([{ name: 'a', children: [] }])
  })

  test('of a contract that two keep do not find each other', async () => {
    await write('other.process.ts', processOf('a', ''))
    const told = await modulesOf({ a: '' })
    expect(told.map(({ modules }) => modules)).toEqual([{}, {}])
  })
})
