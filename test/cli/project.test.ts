import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newProject } from '../../cli/project/new-project.ts'
import { templates } from '../../cli/project/templates.ts'
import { type AtollNode, createNode } from '../../node/index.ts'
import { Failure } from '../../protocol/index.ts'
import { buildProject, readProject } from '../../toolchain/index.ts'
import { documents, run, temporaryFolder } from './test-terminal.ts'

const noModules = async (): Promise<string> => 'm'.repeat(43)

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    error => (Failure.is(error) ? error.code : String(error)),
  )
}

describe('a new project', () => {
  it('is made of every template, and all its processes build', async () => {
    const known = await templates()
    expect(known.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['assistant', 'chat', 'counter', 'ledger', 'scraper']),
    )
    for (const template of known) {
      await using folder = await temporaryFolder()
      const place = join(folder.path, template.name)
      const { files } = await newProject(template, place, template.name)
      expect(files).toEqual(expect.arrayContaining(['.gitignore', 'README.md', 'package.json']))
      // What is not written in TypeScript needs no compiler of it.
      expect([template.name, files.includes('tsconfig.json')]).toEqual([template.name, template.name !== 'python'])
      // Its scripts run on a Node that can: an older one finds no tests in TypeScript, and says that all passed.
      expect(JSON.parse(await readFile(join(place, 'package.json'), 'utf8'))).toMatchObject({
        devDependencies: { node: expect.stringMatching(/^24\./) },
        allowScripts: { node: true },
      })
      const built = await buildProject(await readProject(place), noModules)
      expect([template.name, built.length]).toEqual([template.name, 1])
    }
  }, 180_000)

  it('never overwrites what is there, nor takes a name that npm does not', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'mine.txt'), 'keep')
    const [template] = await templates()
    if (template === undefined) throw new TypeError('expected a template')
    expect(await codeOf(newProject(template, folder.path, 'x'))).toBe('already-there')
    expect(await codeOf(newProject(template, join(folder.path, 'new'), '../Evil'))).toBe('usage')
    expect(await readFile(join(folder.path, 'mine.txt'), 'utf8')).toBe('keep')
  })

  it('is refused, with the templates there are, if there is no such template', async () => {
    const { code, stderr } = await run(['new', 'nothing'])
    expect(code).toBe(2)
    expect(stderr).toContain('counter')
  })
})

describe('the processes of a folder', () => {
  it('are those that package.json names, else all *.process.ts files', async () => {
    await using folder = await temporaryFolder()
    expect(await codeOf(readProject(folder.path))).toBe('no-processes')
    await writeFile(join(folder.path, 'a.process.ts'), '')
    await writeFile(join(folder.path, 'b.ts'), '')
    expect((await readProject(folder.path)).sources.map(({ kind }) => kind)).toEqual(['agent'])
    const settings = {
      atoll: { processes: { one: { entry: 'a.process.ts', args: { n: 1 } }, two: { command: 'b.ts', app: 'b.ts' } } },
    }
    await writeFile(join(folder.path, 'package.json'), JSON.stringify(settings))
    const { sources } = await readProject(folder.path)
    expect(sources).toMatchObject([
      { kind: 'agent', name: 'one', args: { n: 1 } },
      { kind: 'command', name: 'two', arguments: ['two', '/app/b.ts'] },
    ])
    for (const wrong of [
      { atoll: { process: {} } },
      { atoll: { processes: { one: {} } } },
      { atoll: { processes: { one: { command: 'none.wasm' } } } },
    ]) {
      await writeFile(join(folder.path, 'package.json'), JSON.stringify(wrong))
      expect(await codeOf(readProject(folder.path))).toBe('bad-config')
    }
    await writeFile(join(folder.path, 'package.json'), '{')
    expect(await codeOf(readProject(folder.path))).toBe('bad-config')
  })
})

describe('a folder of projects', () => {
  it('is none itself, and names them', async () => {
    await using folder = await temporaryFolder()
    const [template] = await templates()
    if (template === undefined) throw new TypeError('expected a template')
    await newProject(template, join(folder.path, 'one'), 'one')
    await newProject(template, join(folder.path, 'deep/two'), 'two')
    await expect(readProject(folder.path)).rejects.toThrow(/name one; folder: .*, projects: deep\/two,one/)
  })

  it('takes files of its own only', async () => {
    await using folder = await temporaryFolder()
    const [template] = await templates()
    if (template === undefined) throw new TypeError('expected a template')
    await newProject(template, join(folder.path, 'one'), 'one')
    await mkdir(join(folder.path, 'parts'))
    await writeFile(join(folder.path, 'parts/a.process.ts'), '')
    const { sources } = await readProject(folder.path)
    expect(sources).toMatchObject([{ entry: join(folder.path, 'parts/a.process.ts') }])
  })
})

describe('deploy', { timeout: 180_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let node: AtollNode
  beforeAll(async () => {
    folder = await temporaryFolder()
    node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
  })
  afterAll(async () => {
    await node[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  const atoll = (...words: string[]) =>
    run(words, { cwd: folder.path, env: { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url } })

  it('makes no process whose args are none, and says where they stand', async () => {
    expect((await atoll('new', 'ledger', 'bank')).code).toBe(0)
    const told = (await atoll('deploy', 'bank')).stderr
    expect(told).toContain('ledger spawned')
    // Another terminal does not know what stands in the environment of this one.
    expect(told).toContain(
      `next: atoll call ledger transfer '{"to":"address-of-whoever-gets-it----43-characters","amount":1}' --url ${node.url}`,
    )
    const place = join(folder.path, 'bank/package.json')
    const settings = JSON.parse(await readFile(place, 'utf8')) as object
    const deployWith = async (args: object): Promise<{ code: number; stderr: string }> => {
      const processes = { purse: { entry: 'ledger.process.ts', args } }
      await writeFile(place, JSON.stringify({ ...settings, atoll: { processes } }))
      return atoll('deploy', 'bank')
    }
    const wrong = await deployWith({ ticker: 'SHELL' })
    expect([wrong.code, wrong.stderr.includes('args of purse: ')]).toEqual([2, true])
    expect((await atoll('process', 'list')).stdout).not.toContain('purse')
    const right = await deployWith({ ticker: 'SHELL', supply: 100 })
    expect([right.code, right.stderr]).toEqual([0, expect.stringContaining('purse spawned')])
  })

  it('spawns, leaves alone what is the same, upgrades in place, and changes nothing if that would fail', async () => {
    expect((await atoll('new', 'counter', 'project')).code).toBe(0)
    const actions = async (): Promise<unknown[]> =>
      documents((await atoll('deploy', 'project', '-o', 'ndjson')).stdout).map(one => one['action'])
    expect(await actions()).toEqual(['spawn'])
    expect(await actions()).toEqual(['unchanged'])
    expect((await atoll('call', 'counter', 'add', '{"by":2}')).stdout).toBe('2\n')

    const file = join(folder.path, 'project', 'counter.process.ts')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('+= by', '+= by * 10'))
    const dry = await atoll('deploy', 'project', '--dry-run', '-o', 'json')
    expect(documents(dry.stdout)[0]).toMatchObject({ steps: [{ name: 'counter', action: 'upgrade' }] })
    const upgraded = await atoll('deploy', 'project')
    expect(upgraded.stderr).toMatch(/1 answered otherwise\n {2}slot 1 output: .*2.* → .*20/)
    expect((await atoll('call', 'counter', 'add', '{"by":1}')).stdout).toBe('12\n')

    await writeFile(file, text.replace('export default', 'throw new Error("at the top")\nexport default'))
    const broken = await atoll('deploy', 'project')
    expect(broken.code).toBe(1)
    expect(broken.stderr).toMatch(/at the top/)
    expect(broken.stderr).toMatch(/counter\.process\.ts/)
    expect((await atoll('query', 'counter', 'total')).stdout).toBe('12\n')

    // A state of the same version that its contract no longer takes.
    const promises = join(folder.path, 'project', 'counter.contract.ts')
    const contract = await readFile(promises, 'utf8')
    await writeFile(file, text)
    await writeFile(
      promises,
      contract.replace('state: z.object({ total: z.int() })', 'state: z.object({ total: z.string() })'),
    )
    const unfit = await atoll('deploy', 'project')
    expect([unfit.code, unfit.stderr]).toEqual([
      1,
      expect.stringMatching(/total: .*expected string.*\n {2}next: .*migrate/),
    ])
    const added = await atoll('module', 'add', 'project/counter.process.ts', '--name', 'unfit')
    expect(added.code).toBe(0)
    const tried = await atoll('process', 'upgrade', 'counter', added.stdout.trim())
    expect([tried.code, tried.stderr]).toEqual([1, expect.stringMatching(/bad-state: .*\n {2}next: .*migrate/)])

    // Nothing was sent: there is no trace of it to look at.
    const thrower = "migrate: { '1.0.0': () => { throw Object.assign(new Error('no'), { code: 'mine' }) } },\n  query"
    await writeFile(promises, contract.replace("version: '1.0.0'", "version: '2.0.0'"))
    await writeFile(file, text.replace('query', thrower))
    const goesOn = /mine.*\n {2}next: The process goes on with what it has; correct what the error names/
    expect((await atoll('deploy', 'project')).stderr).toMatch(goesOn)
    expect((await atoll('process', 'upgrade', 'counter', 'project/counter.process.ts')).stderr).toMatch(goesOn)
    for (const [how, code] of [
      ["throw new Error('no')", 'threw'],
      ['for (;;);', 'out-of-gas'],
    ] as const) {
      await writeFile(file, text.replace('query', `migrate: { '1.0.0': () => { ${how} } },\n  query`))
      const words = ['process', 'upgrade', 'counter', 'project/counter.process.ts', '--no-check']
      const failed = await atoll(...words)
      expect([failed.code, failed.stderr]).toEqual([
        1,
        expect.stringMatching(new RegExp(`nothing changed\\n {2}${code}: .*\\n {2}next: .*migrate`)),
      ])
      expect((await atoll('query', 'counter', 'total')).stdout).toBe('12\n')
    }
    await writeFile(file, text)
    await writeFile(promises, contract)
  })

  it('makes a process of what a source says, and upgrades one to it: it is built and added first', async () => {
    const source = 'project/counter.process.ts'
    const file = join(folder.path, source)
    const text = await readFile(file, 'utf8')
    const spawned = await atoll('spawn', source, '--name', 'another')
    expect([spawned.code, spawned.stderr]).toEqual([0, expect.stringContaining('built and added the module counter@')])
    expect((await atoll('call', 'another', 'add', '{"by":1}')).stdout).toBe('1\n')
    const bank = 'bank/ledger.process.ts'
    const slip = await atoll('spawn', bank, '{"ticker":"SHELL","suply":1}', '--name', 'lost')
    expect([slip.code, slip.stdout]).toEqual([2, ''])
    expect(slip.stderr).toMatch(/ledger args: supply: .*; suply: Unrecognized field \(.*did you mean "supply"\?/)
    expect(slip.stderr).toMatch(/next: Nothing was sent; what it takes looks like '\{/)
    expect((await atoll('process', 'list')).stdout).not.toContain('lost')
    expect((await atoll('spawn', bank, '{"ticker":"SHELL","supply":1}', '--name', 'kept')).code).toBe(0)
    await writeFile(file, text.replace('+= by', '+= by * 100'))
    const upgraded = await atoll('process', 'upgrade', 'another', source)
    const told = /^built and added the module counter@.*\n✔ on a copy .*upgraded to project\/counter\.process\.ts/s
    expect([upgraded.code, upgraded.stderr]).toEqual([0, expect.stringMatching(told)])
    expect((await atoll('call', 'another', 'add', '{"by":1}')).stdout).toBe('101\n')
    await writeFile(file, `${text}(`)
    const broken = await atoll('process', 'upgrade', 'another', source)
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringMatching(/AT1021.*counter\.process\.ts/s)])
    await writeFile(file, text)
  })

  it('refuses a field that a message, a query or the args of a project do not have, and sends nothing', async () => {
    const before = (await atoll('query', 'counter', 'total')).stdout
    for (const [verb, name, input, told] of [
      ['call', 'add', '{"bye":1,"by":2}', 'counter.add: bye: Unrecognized field (it takes by; did you mean "by"?)'],
      ['send', 'add', '{"bye":1,"by":2}', 'counter.add: bye: Unrecognized field (it takes by; did you mean "by"?)'],
      ['query', 'total', '{"at":3}', 'counter.total: at: Unrecognized field (it takes none)'],
    ] as const) {
      const { code, stdout, stderr } = await atoll(verb, 'counter', name, input)
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(told)])
      expect(stderr).toContain('next: Nothing was sent')
    }
    expect((await atoll('query', 'counter', 'total')).stdout).toBe(before)
    const place = join(folder.path, 'bank/package.json')
    const settings = JSON.parse(await readFile(place, 'utf8')) as object
    const args = { ticker: 'SHELL', supply: 100, tikcer: 'SHELL' }
    const processes = { pocket: { entry: 'ledger.process.ts', args } }
    await writeFile(place, JSON.stringify({ ...settings, atoll: { processes } }))
    const { code, stderr } = await atoll('deploy', 'bank')
    expect([code, stderr]).toEqual([2, expect.stringContaining('args of pocket: tikcer: Unrecognized field')])
  })

  it('says once what the process says', async () => {
    const file = join(folder.path, 'project', 'counter.process.ts')
    const text = await readFile(file, 'utf8')
    await writeFile(
      file,
      text.replace(
        'ctx.state.total += by',
        "if (by === 7) throw new Error('seven is not taken')\n      ctx.state.total += by",
      ),
    )
    expect((await atoll('deploy', 'project')).code).toBe(0)
    const { stderr } = await atoll('call', 'counter', 'add', '{"by":7}')
    expect(stderr.split('seven is not taken')).toHaveLength(2)
  })

  it('touches no process of another kind that has the name', async () => {
    expect((await atoll('new', 'counter', 'taken')).code).toBe(0)
    const place = join(folder.path, 'taken/package.json')
    const settings = JSON.parse(await readFile(place, 'utf8')) as object
    const processes = { hits: { entry: 'counter.process.ts' } }
    await writeFile(place, JSON.stringify({ ...settings, atoll: { processes } }))
    expect((await atoll('spawn', 'relay', '--name', 'hits')).code).toBe(0)
    for (const words of [[], ['--dry-run']]) {
      const { code, stdout, stderr } = await atoll('deploy', 'taken', ...words)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain('called hits and has format actor, this one has agent')
      expect(stderr).toContain('next: Give this one a name of its own in package.json')
    }
  })

  it('takes a key that never signs the same bytes alike', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
    await writeFile(join(folder.path, 'wallet.json'), JSON.stringify(privateKey.export({ format: 'jwk' })))
    expect((await atoll('identity', 'import', 'wallet', 'wallet.json')).code).toBe(0)
    expect((await atoll('new', 'chat', 'other')).code).toBe(0)
    const done = await atoll('deploy', 'other', '--identity', 'wallet', '-o', 'ndjson')
    expect([done.code, documents(done.stdout)[0]?.['action']]).toEqual([0, 'spawn'])
  })

  it('makes calls that are checked before they are sent', async () => {
    const wrong = await atoll('call', 'counter', 'add', '{"by":0}')
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).toMatch(/counter\.add: by: .*>=1/)
    const example = `next: Nothing was sent; what it takes looks like '{"by":1}'.`
    expect(wrong.stderr).toContain(example)
    const broken = (await atoll('call', 'counter', 'add', '{by')).stderr
    expect([broken.includes('not JSON'), broken.includes(example)]).toEqual([true, true])
    expect((await atoll('call', 'counter', 'nothing')).stderr).toContain('add,reset,total')
    expect((await atoll('query', 'counter', 'add')).code).toBe(2)
    expect((await atoll('send', 'counter', 'total')).code).toBe(2)
    expect((await atoll('query', 'counter', 'total')).stdout).toBe('12\n')
    expect((await atoll('complete', '--', 'call', 'counter', '')).stdout).toContain('add\tAdd to the total')
    const offered = async (shell: string, ...words: string[]): Promise<string | undefined> => {
      const env = { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url, ATOLL_COMPLETION_FOR: shell }
      return (await run(['complete', '--', ...words], { cwd: folder.path, env })).stdout.split('\t')[0]
    }
    expect(await offered('', 'call', 'counter', 'add', '')).toBe('\'{"by":1}\'')
    expect(await offered('zsh', 'call', 'counter', 'add', '')).toBe('\'{"by"\\:1}\'')
    expect(await offered('fish', 'call', 'counter', 'add', '')).toBe('{"by":1}')
    expect(await offered('', 'schedule', 'run-now', 'counter', '')).toBe('idle')
    expect((await atoll('process', 'snapshot', 'counter', '--name', 'before')).code).toBe(0)
    expect(await offered('', 'process', 'restore', 'counter', 'b')).toBe('before')
  })
})

describe('dev', { timeout: 180_000 }, () => {
  it('runs a node of its own, and upgrades in place when a file is saved', async () => {
    await using folder = await temporaryFolder()
    const env = { ATOLL_HOME: join(folder.path, 'home') }
    const place = join(folder.path, 'project')
    await run(['new', 'counter', 'project'], { cwd: folder.path, env })
    const stop = new AbortController()
    const seen: string[] = []
    let errors = ''
    const running = run(['dev', 'project', '--port', '0', '-o', 'ndjson'], {
      cwd: folder.path,
      env,
      signal: stop.signal,
      onOut: text => seen.push(text),
      onErr: text => (errors += text),
    })
    const document = async (has: (one: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> => {
      for (;;) {
        const found = seen.flatMap(documents).find(has)
        if (found !== undefined) return found
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
    const { url } = await document(one => one['$type'] === 'dev.ready')
    await document(one => one['action'] === 'spawn')
    const atoll = (...words: string[]) => run(words, { cwd: folder.path, env: { ...env, ATOLL_URL: String(url) } })
    expect((await atoll('call', 'counter', 'add', '{"by":3}')).stdout).toBe('3\n')
    const file = join(place, 'counter.process.ts')
    await writeFile(file, `${await readFile(file, 'utf8')}\nsyntax error(`)
    await writeFile(file, (await readFile(file, 'utf8')).replace('\nsyntax error(', '').replace('+= by', '+= by * 10'))
    await document(one => one['action'] === 'upgrade')
    expect((await atoll('call', 'counter', 'add', '{"by":1}')).stdout).toBe('13\n')
    const upgrades = seen.length
    await writeFile(file, (await readFile(file, 'utf8')).replace('state.total = 0', 'state.total = 0.5'))
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBeGreaterThan(upgrades)
    await atoll('call', 'counter', 'reset')
    await expect
      .poll(() => errors, { timeout: 60_000 })
      .toMatch(/counter: its state does not fit its contract: total: /)
    stop.abort()
    expect((await running).code).toBe(0)

    // What runs is not taken away under its feet.
    const busy = await createNode({ data: join(place, '.atoll/dev'), port: 0, hosts: 1 })
    const fresh = await run(['dev', 'project', '--port', '0', '--fresh'], { cwd: folder.path, env })
    expect([fresh.code, fresh.stderr]).toEqual([1, expect.stringContaining('AT4004')])
    await busy[Symbol.asyncDispose]()

    const again = new AbortController()
    let told = ''
    await run(['dev', 'project', '--port', '0'], {
      cwd: folder.path,
      env,
      signal: again.signal,
      onErr: text => {
        told += text
        if (/counter is as it was/.test(told)) again.abort()
      },
    })
    expect(told).toContain('counter is as it was')
  })
})
