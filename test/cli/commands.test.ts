import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { atoll, env, type Fields, folder, node, one, startsNode } from './node-to-command.ts'
import { documents, run } from './test-terminal.ts'

startsNode()

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
    expect((await atoll('process', 'show', '--', id.slice(0, 12))).stdout).toContain(id)
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
    ['feed', 'verify', 'none.feed'],
    ['verify', './none'],
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
