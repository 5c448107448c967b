import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { standardProcessPath } from '../../processes/index.ts'
import { documents, type Ended, run, temporaryFolder } from './test-terminal.ts'

type Fields = Record<string, unknown>

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: AtollNode
let env: Record<string, string>

const atoll = (...words: string[]): Promise<Ended> => run(words, { env, cwd: folder.path })
const one = async (...words: string[]): Promise<Fields> => {
  const { code, stdout, stderr } = await atoll(...words, '-o', 'json')
  expect(code, stderr).toBe(0)
  const [document = {}, ...rest] = documents(stdout)
  expect(rest).toEqual([])
  expect(document).toMatchObject({ $type: expect.stringMatching(/^[a-z.-]+$/), v: 1 })
  return document
}

beforeAll(async () => {
  folder = await temporaryFolder()
  node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
  env = { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url }
  for (const name of ['counter', 'relay'] as const) {
    await one('module', 'add', standardProcessPath(name), '--format', 'actor', '--tag', 'Actor-Memory=scratch')
  }
  await one('spawn', 'counter', '--name', 'hits')
  await one('spawn', 'relay', '--name', 'ping')
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

describe('modules', () => {
  test('are added under the name of their file, and found by it', async () => {
    const added = await one('module', 'add', standardProcessPath('ledger'), '--tag', 'Actor-Memory=scratch')
    expect(added).toMatchObject({ $type: 'module.added', name: 'ledger', format: 'actor' })
    expect(await one('module', 'show', 'ledger')).toMatchObject({ $type: 'module', id: added['id'], format: 'actor' })
    const { modules } = (await one('module', 'list')) as { modules: Fields[] }
    expect(modules.map(({ id }) => id)).toContain(added['id'])
  })

  test('that are no WASM are not sent', async () => {
    await writeFile(join(folder.path, 'notes.txt'), 'no program')
    const { code, stderr } = await atoll('module', 'add', 'notes.txt')
    expect([code, stderr]).toEqual([1, expect.stringContaining('it holds no WASM')])
  })

  test('of agents are built from their source, and are called as their contract', async () => {
    const source = join(import.meta.dirname, '../../templates/counter/counter.process.ts')
    const added = await one('module', 'add', source)
    expect(added).toMatchObject({ name: 'counter', format: 'agent' })
    await one('spawn', 'counter@1.0.0', '--name', 'clicks')
    expect(await one('call', 'clicks', 'add', '{"by":3}')).toMatchObject({ reply: 3 })
    expect((await atoll('module', 'add', 'none.process.ts')).stderr).toContain('AT1021')
    for (const list of ['module', 'process']) expect((await atoll(list, 'list')).stdout).toContain('counter@1.0.0')
  })

  test('of agents have a version behind their name: without it, what has none is meant', async () => {
    const { code, stdout, stderr } = await atoll('module', 'show', 'counter', '-o', 'json')
    expect([code, documents(stdout)[0]]).toEqual([0, expect.objectContaining({ format: 'actor' })])
    expect(stderr).toContain('others are called counter too (counter@1.0.0)')
    const source = join(import.meta.dirname, '../../templates/chat/room.process.ts')
    const { id } = await one('module', 'add', source)
    for (const name of ['room', 'room@1.0.0']) expect(await one('module', 'show', name)).toMatchObject({ id })
  })

  test('that break a rule are refused, and the failure says which', async () => {
    await writeFile(join(folder.path, 'bad.wasm'), '\0asm, and no module')
    const { code, stdout, stderr } = await atoll('module', 'add', 'bad.wasm')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('AT1013')
  })

  test('need a file that is there', async () => {
    const { code, stderr } = await atoll('module', 'add', 'absent.wasm')
    expect(code).toBe(1)
    expect(stderr).toContain('AT1019')
  })
})

describe('messages', () => {
  test('are answered on standard output, with how it went on standard error', async () => {
    const { code, stdout, stderr } = await atoll('send', 'hits', '--action', 'Add', '--tag', 'Quantity=5')
    expect([code, stdout]).toEqual([0, '5\n'])
    expect(stderr).toMatch(/^✔ slot 1 · ok · [\d,]+ gas · .* · message [\w-]{43}\n$/)
  })

  test('that a process refuses end with 1 and its error', async () => {
    const { code, stdout, stderr } = await atoll('send', 'hits', '--action', 'Nope')
    expect([code, stdout.trim()]).toEqual([1, ''])
    expect(stderr).toContain('abort: Unknown Action')
  })

  test('of one word that a process did not understand may have been meant as an action: that is said', async () => {
    const { code, stderr } = await atoll('send', 'hits', 'Add')
    expect(code).toBe(1)
    expect(stderr).toContain('atoll send hits --action Add')
    expect((await atoll('send', 'hits', 'two words')).stderr).not.toContain('--action')
    expect((await atoll('send', 'hits', '--action', 'Nope', 'word')).stderr).not.toContain('was sent as data')
    expect((await atoll('query', 'hits', 'Get')).stderr).toContain('atoll query hits --action Get')
  })

  test('of a contract, to a process without one: it is said how that is asked', async () => {
    const { code, stderr } = await atoll('call', 'hits', 'Add', '5')
    expect(code).toBe(1)
    expect(stderr).toContain("atoll send hits --action Add '5'")
  })

  test('may only be scheduled, evaluated, or followed to their end', async () => {
    expect(await one('send', 'ping', '--action', 'Echo', 'hello', '--wait', 'scheduled')).not.toHaveProperty('result')
    expect(await one('send', 'ping', '--action', 'Echo', 'hello')).toMatchObject({
      result: { status: 'ok', outputText: 'hello' },
    })
    const { id } = await one('process', 'show', 'ping')
    const sent = await one(
      'send',
      'ping',
      '--action',
      'Fan-Out',
      '--tag',
      `Peer=${id}`,
      '--tag',
      'Count=3',
      '--wait',
      'settled',
    )
    expect(sent).toMatchObject({ trace: { settled: true, root: { children: [{}, {}, {}] } } })
    expect((await atoll('send', 'ping', '--wait', 'forever')).code).toBe(2)
  })

  test('of which no compute unit has given its word yet are not shown as if they were final', async () => {
    const nobody = 'A'.repeat(43)
    const { stderr } = await atoll('spawn', 'counter', '--compute-unit', nobody)
    expect(stderr).toMatch(/^· slot 0 · ok, not final: 0 of 1 compute units agree/m)
  })

  test('take data from a file and from standard input', async () => {
    await writeFile(join(folder.path, 'words.txt'), 'from a file')
    expect((await atoll('send', 'ping', '-a', 'Echo', '--data-file', 'words.txt')).stdout).toBe('from a file\n')
    const piped = await run(['send', 'ping', '-a', 'Echo', '--data-file', '-'], { env, stdin: 'from a pipe' })
    expect(piped.stdout).toBe('from a pipe\n')
    expect((await atoll('send', 'ping', 'x', '--data-file', 'words.txt')).code).toBe(2)
  })

  test('for somebody unknown are not sent', async () => {
    const { code, stderr } = await atoll('send', 'nobody', 'x', '-o', 'json')
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ $type: 'failure', v: 1, code: 'unknown-process', number: 'AT1006' })
  })
})

describe('results', () => {
  test('can be asked for by slot and by message, and checked here', async () => {
    const sent = await one('send', 'hits', '-a', 'Add')
    const bySlot = await one('result', 'hits', String(sent['slot']), '--verify')
    expect(bySlot).toMatchObject({ $type: 'result', status: 'ok', verified: true })
    expect(await one('result', 'hits', String(sent['id']))).toMatchObject({ slot: sent['slot'] })
    expect((await atoll('result', 'hits', 'first')).code).toBe(2)
    expect((await atoll('result', 'hits', '9999', '--timeout', '1s')).code).toBe(1)
  })

  test('are listed in order of their slots, from the first or the latest', async () => {
    const first = documents((await atoll('results', 'hits', '--from', '0', '-n', '2', '-o', 'ndjson')).stdout)
    expect(first.map(({ slot }) => slot)).toEqual([0, 1])
    const { scheduled } = (await one('process', 'show', 'hits')) as { scheduled: number }
    const latest = documents((await atoll('results', 'hits', '-n', '2', '-o', 'ndjson')).stdout)
    expect(latest.map(({ slot }) => slot)).toEqual([scheduled - 2, scheduled - 1])
    expect((await atoll('results', 'hits')).stdout).toMatch(/^SLOT {2}STATUS/)
  })

  test('are followed until there are enough', async () => {
    const ended = await atoll('results', 'hits', '-f', '--timeout', '10ms')
    expect([ended.code, ended.stderr.slice(0, 8)]).toEqual([4, '✖ AT3002'])
    const followed = await atoll('results', 'hits', '-f', '--from', '0', '-n', '2', '-o', 'ndjson')
    expect(documents(followed.stdout).map(({ slot }) => slot)).toEqual([0, 1])
  })

  test('are followed until the user ends it', async () => {
    const aborter = new AbortController()
    const running = run(['results', 'hits', '-f', '-o', 'ndjson'], { env, signal: aborter.signal })
    aborter.abort()
    expect((await running).code).toBe(130)
  })

  test('are followed without a word of failure about the end that the user made', async () => {
    const aborter = new AbortController()
    const words = ['results', 'hits', '-f', '--from', '0', '-o', 'ndjson']
    const ended = await run(words, { env, signal: aborter.signal, onOut: () => aborter.abort() })
    expect([ended.code, ended.stderr]).toEqual([130, ''])
  })
})

describe('what was asked', () => {
  test('leaves no trace', async () => {
    const before = await one('process', 'show', 'hits')
    const { code, stdout } = await atoll('query', 'hits', '--action', 'Get')
    expect([code, Number(stdout) > 0]).toEqual([0, true])
    expect(await one('process', 'show', 'hits')).toEqual(before)
    expect((await atoll('query', 'hits', '--action', 'Nope')).code).toBe(1)
  })
})

describe('a trace', () => {
  test('is drawn for people and whole for programs', async () => {
    const { id } = await one('process', 'show', 'ping')
    const sent = await one('send', 'ping', '--action', 'Fan-Out', '--tag', `Peer=${id}`, '--wait', 'settled')
    const drawn = await atoll('trace', String(sent['id']))
    expect(drawn.stdout.split('\n')[1]).toMatch(/^Fan-Out → ping .*█/)
    expect(drawn.stdout.split('\n')[2]).toMatch(/^└─ Note → ping /)
    expect(await one('trace', String(sent['id']), '--settled')).toMatchObject({
      $type: 'trace',
      root: { label: 'Fan-Out' },
    })
    expect(await one('trace', `ping/${sent['slot']}`)).toMatchObject({ root: { id: sent['id'] } })
    expect((await atoll('trace', 'short')).stderr).toContain('AT1006')
  })
})

describe('a process', () => {
  test('is evaluated again here, and found right', async () => {
    const { slots, ...report } = await one('process', 'verify', 'hits')
    expect(report).toMatchObject({
      $type: 'process.verify',
      ok: true,
      stateRoot: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(slots).toBe((await one('process', 'show', 'hits'))['scheduled'])
  })

  test('is found by its name, its id and the beginning of its id', async () => {
    const { id } = (await one('process', 'show', 'hits')) as { id: string }
    expect((await one('process', 'show', id))['id']).toBe(id)
    expect((await one('process', 'show', id.slice(0, 12)))['id']).toBe(id)
    const { processes } = (await one('process', 'list')) as { processes: Fields[] }
    expect(processes.map(process => process['id'])).toContain(id)
  })

  test('whose name another has too must be named by its id', async () => {
    await one('spawn', 'relay', '--name', 'twin')
    await one('spawn', 'relay', '--name', 'twin')
    const { code, stderr } = await atoll('process', 'show', 'twin')
    expect(code).toBe(2)
    expect(stderr).toContain('candidates: ')
  })

  test('whose name a stranger uses too are meant by their owner', async () => {
    await one('identity', 'new', 'stranger')
    const own = await one('spawn', 'counter', '--name', 'purse')
    const other = await one('spawn', 'relay', '--name', 'purse', '--identity', 'stranger')
    const { stdout, stderr } = await atoll('process', 'show', 'purse', '-o', 'json')
    expect(documents(stdout)[0]).toMatchObject({ id: own['id'] })
    expect(stderr).toContain(`yours is ${String(own['id'])}`)
    expect((await one('process', 'show', 'purse', '--identity', 'stranger'))['id']).toBe(other['id'])
    expect((await atoll('process', 'show', 'purse', '--identity', 'nobody')).stderr).toContain('candidates: ')
  })
})

test('what a stranger calls his process is neither carried out by a shell nor taken for a line of ours', async () => {
  const name = '$(touch pwned)\n\u001b[1A✔ hits\u202e'
  const { id } = (await one('spawn', 'counter', '--name', name)) as { id: string }
  const offered = (await atoll('complete', '--', 'send', '')).stdout
  expect(offered).not.toMatch(/^\$/m)
  expect(offered).toContain(`${id}\t$(touch pwned) ✔ hits�`)
  for (const shown of [await atoll('process', 'list'), await atoll('process', 'show', id)]) {
    expect(shown.stdout).toContain('$(touch pwned)\\u{a}\\u{1b}[1A✔ hits\\u{202e}')
    expect(shown.stdout).not.toMatch(/^✔|\u202e/m)
    expect(shown.stdout).not.toContain('\u001b')
  }
})

describe('the first signature', () => {
  test('makes an identity, and says so once', async () => {
    const own = { ...env, ATOLL_HOME: join(folder.path, 'another-home') }
    await mkdir(own.ATOLL_HOME)
    const first = await run(['send', 'ping', 'x', '-a', 'Echo'], { env: own })
    expect(first.stderr).toContain('made an identity for you')
    expect(first.stdout).toBe('x\n')
    const second = await run(['send', 'ping', 'x', '-a', 'Echo'], { env: own })
    expect(second.stderr).not.toContain('made an identity')
  })

  test('by somebody who is not there fails with 5', async () => {
    expect((await atoll('send', 'ping', 'x', '-i', 'nobody')).code).toBe(5)
  })
})

describe('the doctor', () => {
  test('shows each setting with its origin, and finds the node', async () => {
    const { settings, checks } = (await one('doctor')) as { settings: Fields[]; checks: Fields[] }
    expect(settings.find(({ part, name }) => part === 'client' && name === 'url')).toMatchObject({
      origin: 'environment',
      value: node.url,
    })
    expect(settings.find(({ part, name }) => part === 'node' && name === 'port')).toMatchObject({
      origin: 'default',
      value: 7333,
    })
    expect(checks.map(({ name, state }) => [name, state])).toContainEqual(['node', 'good'])
    const wide = await run(['doctor'], { env, cwd: folder.path, columns: 300 })
    const narrow = await run(['doctor'], { env, cwd: folder.path, columns: 80 })
    expect([wide.stdout.includes('WHAT IT IS'), narrow.stdout.includes('WHAT IT IS')]).toEqual([true, false])
  })

  test('ends with 3 if there is no node', async () => {
    const { code, stdout } = await atoll('doctor', '--url', 'http://127.0.0.1:9', '--timeout', '2s')
    expect(code).toBe(3)
    expect(stdout).toContain('✖ node')
  })
})

describe('an explanation', () => {
  test('is found by number and by code, without a node', async () => {
    for (const text of ['AT3003', 'at3003', '3003', 'unreachable']) {
      expect(await one('explain', text)).toMatchObject({ code: 'unreachable', number: 'AT3003', exitCode: 3 })
    }
    expect((await atoll('explain', 'AT0000')).code).toBe(2)
    const { failures } = (await one('explain')) as { failures: Fields[] }
    expect(failures.length).toBeGreaterThan(30)
    const numbers = failures.map(({ number }) => String(number))
    expect(numbers).toEqual(numbers.toSorted())
  })
})

test('a file that cannot be used is named, and no bug', async () => {
  await writeFile(join(folder.path, 'nonsense'), 'nonsense')
  expect((await atoll('feed', 'export', 'hits', '--file', 'hits.feed')).code).toBe(0)
  for (const words of [
    ['proof', 'export', 'hits/0', '--file', 'nowhere/hits.proof'],
    ['feed', 'import', 'none.feed', '--data', 'elsewhere'],
    ['feed', 'verify', 'nonsense'],
    ['feed', 'import', '.', '--data', 'elsewhere'],
    ['verify', 'nonsense'],
    ['send', 'hits', '--data-file', '.'],
    ['evidence', 'verify', 'nowhere'],
    ['ic', 'deploy', 'nowhere.wasm'],
    ['identity', 'import', 'wallet', 'nowhere.json'],
    ['process', 'restore', 'hits', '--file', 'nonsense'],
    ['deploy', 'nowhere'],
  ]) {
    const { code, stderr } = await atoll(...words)
    expect([code, stderr.slice(0, 8)], words.join(' ')).toEqual([1, '✖ AT1019'])
  }
  for (const words of [
    ['feed', 'export', 'hits', '--file', 'hits.feed'],
    ['new', 'counter', '.'],
    ['identity', 'new', 'default'],
  ]) {
    const { code, stderr } = await atoll(...words)
    expect([code, stderr.slice(0, 8)], words.join(' ')).toEqual([1, '✖ AT1020'])
  }
})

test('a name that leads to a process is not said to be trusted; its id is', async () => {
  const named = await atoll('verify', 'hits/0')
  expect(named.stdout).toContain('the node gives this name, which proves nothing')
  const id = /process ([\w-]{43})/.exec(named.stdout)?.[1] ?? ''
  expect(named.stderr).toContain(`--trust ${id}`)
  const known = await atoll('verify', `${id}/0`)
  expect([known.code, known.stdout.includes('it is the process that you trust')]).toEqual([0, true])
  expect(known.stderr).not.toContain('--trust')
})

test('keys that are none, and timers that are not there, are told from what the command understood', async () => {
  const handed = await atoll('process', 'handover', 'hits', '--scheduler', 'abc')
  expect([handed.code, handed.stderr.includes('expected the key of a node')]).toEqual([2, true])
  const timer = await atoll('schedule', 'cancel', 'hits', 'daily')
  expect([timer.code, timer.stderr.slice(0, 8)]).toEqual([1, '✖ AT1053'])
})

test('a node that is not there ends every command with 3', async () => {
  const { code, stderr } = await atoll('process', 'list', '--url', 'http://127.0.0.1:9')
  expect(code).toBe(3)
  expect(stderr).toContain('AT3003')
  expect(stderr).toContain('next: ')
})

test('every example in the help is a command line that is understood', async () => {
  const { COMMANDS } = await import('../../cli/commands.ts')
  const { findCommand, readArguments } = await import('../../cli/words/read-arguments.ts')
  for (const command of COMMANDS) {
    expect(command.examples.length, command.name).toBeGreaterThan(0)
    for (const example of command.examples) {
      const [program, ...words] = example.split(' ')
      expect(program).toBe('atoll')
      const found = findCommand(words)
      expect(found.command.name, example).toBe(command.name)
      readArguments(found.command, found.rest)
    }
    expect((await atoll(...command.name.split(' '), '--help')).stdout).toContain(`Usage: atoll ${command.name}`)
  }
})

test('the server of tools says which of its processes there are not', async () => {
  const aborter = new AbortController()
  const words = ['mcp', '--http', '--port', '0', '--process', 'hits', '--process', 'hist']
  const home = { ...env, ATOLL_MCP_TOKEN: 'x'.repeat(43) }
  const { code, stderr } = await run(words, { env: home, signal: aborter.signal, onOut: () => aborter.abort() })
  expect(code).toBe(0)
  expect(stderr).toMatch(/did you mean "hits"\?.*no tools are shown/)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('the first word of several commands shows them all', async () => {
  const asked = await atoll('ic', '--help')
  expect(asked).toMatchObject({ code: 0, stderr: '' })
  for (const name of ['ic deploy', 'ic call', 'ic id']) expect(asked.stdout).toContain(name)
  expect((await atoll('help', 'ic')).stdout).toBe(asked.stdout)
  expect(await atoll('ic')).toMatchObject({ code: 2, stdout: '', stderr: asked.stdout })
})
