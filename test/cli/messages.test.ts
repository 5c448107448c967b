import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { standardProcessPath } from '../../processes/index.ts'
import { atoll, env, type Fields, folder, one, startsNode } from './node-to-command.ts'
import { documents, run } from './test-terminal.ts'

startsNode()

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

  test('that fail are told with what was logged: of a program it may be the only word of where', async () => {
    const source = [
      "import { contract, message } from 'atoll/contract'",
      "const Logs = contract({ name: 'logs', version: '1.0.0', messages: { fail: message(), pass: message() } })",
      "const on = { fail(ctx) { ctx.log('at the third step'); throw new Error('no') }, pass(ctx) { ctx.log('quiet') } }",
      'export default Logs.implement({ on })',
    ]
    await writeFile(join(folder.path, 'logs.process.ts'), source.join('\n'))
    await one('spawn', 'logs.process.ts', '--name', 'logs')
    const { code, stderr } = await atoll('send', 'logs', 'fail')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\n {2}threw: no .*\nat the third step\n$/)])
    expect((await atoll('send', 'logs', 'pass')).stderr).not.toContain('quiet')
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
    expect((await atoll('send', 'nobody', 'x')).stderr).toMatch(/AT1006.*name: nobody, node: http:\/\/127\.0\.0\.1:\d+/)
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
