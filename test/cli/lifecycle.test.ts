import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { standardProcessPath } from '../../processes/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { actorText, wat } from '../processes/actor/sample-actor.ts'
import { documents, type Ended, run, temporaryFolder } from './test-terminal.ts'

type Fields = Record<string, unknown>

/** Sets a timer of key `tick/a` an hour from now, every minute, and keeps the number of messages in a cell. */
const TIMER_ACTOR = actorText(
  `(call $add (i32.const 1024) (i32.const 4) (i64.const 1))
   (call $set_timer (i32.const 1030) (i32.const 6) (i64.add (call $now) (i64.const 3600000)) (i64.const 60000))`,
  '(data (i32.const 1024) "seen") (data (i32.const 1030) "tick/a")',
)

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
const addModule = async (name: string, path: string, ...tags: string[]): Promise<string> => {
  const words = tags.flatMap(tag => ['--tag', tag])
  return String((await one('module', 'add', path, '--name', name, '--format', 'actor', ...words))['id'])
}
const add = (process: string): Promise<Ended> => atoll('send', process, '--action', 'Add')

let counter: string
let counter2: string

beforeAll(async () => {
  folder = await temporaryFolder()
  node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
  env = { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url }
  const path = standardProcessPath('counter')
  counter = await addModule('counter', path, 'Actor-Memory=scratch')
  counter2 = await addModule('counter-2', path, 'Actor-Memory=scratch')
  await addModule('ledger', standardProcessPath('ledger'), 'Actor-Memory=scratch')
  const wasm = join(folder.path, 'timer.wasm')
  await writeFile(wasm, await wat(TIMER_ACTOR))
  await addModule('timer', wasm, 'Actor-Memory=scratch')
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const spawn = async (name: string, module = 'counter'): Promise<string> =>
  String((await one('spawn', module, '--name', name))['process'])

describe('a process', { timeout: 180_000 }, () => {
  test('is upgraded after a try on a copy, keeps its count, and goes back', async () => {
    await spawn('up')
    await add('up')
    const upgraded = await atoll('process', 'upgrade', 'up', 'counter-2')
    expect(upgraded.code, upgraded.stderr).toBe(0)
    expect(upgraded.stdout).toBe('')
    expect(upgraded.stderr).toContain('✔ on a copy of the state it works')
    expect(upgraded.stderr).toMatch(/1 message given to both modules, 0 answered otherwise/)
    expect(upgraded.stderr).toMatch(/✔ upgraded to counter-2 · slot 2 · [\d,]+ gas/)
    expect((await add('up')).stdout).toBe('2\n')
    const shown = await one('process', 'show', 'up')
    expect(shown).toMatchObject({ module: counter, moduleInForce: counter2 })
    const kept = await one('process', 'snapshots', 'up')
    expect(kept).toMatchObject({
      module: counter2,
      changes: [{ module: counter2, slot: 2 }],
      snapshots: [{ name: '@2', isAutomatic: true }],
    })
    expect((await atoll('process', 'snapshots', 'up')).stdout).toContain(`slot 2  ${counter2}`)
    const back = await one('process', 'rollback', 'up')
    expect(back).toMatchObject({ $type: 'process.rolled-back', module: counter, result: { status: 'ok' } })
    expect((await add('up')).stdout).toBe('2\n')
    const again = await atoll('process', 'rollback', 'up')
    expect([again.code, again.stderr.includes('no upgrade left a state to go back to')]).toEqual([1, true])
    expect((await one('process', 'verify', 'up'))['ok']).toBe(true)
  })

  test('is not sent an upgrade that fails on a copy, unless nobody looks', async () => {
    await spawn('stays')
    await add('stays')
    const { scheduled } = await one('process', 'show', 'stays')
    const unknown = await atoll('process', 'upgrade', 'stays', 'nothing')
    expect([unknown.code, unknown.stderr.includes('AT1008')]).toEqual([1, true])
    const checked = await atoll('process', 'upgrade', 'stays', 'counter-2', '--check-only')
    expect(checked.code).toBe(0)
    expect((await one('process', 'show', 'stays'))['scheduled']).toBe(scheduled)
    // A ledger takes the cells over, and then answers what a counter was asked with an error.
    const differs = await one('process', 'upgrade', 'stays', 'ledger', '--check-only', '--replay', '5')
    expect(differs).toMatchObject({ $type: 'process.upgrade-check', ok: true, replayed: 1 })
    expect(JSON.stringify(differs['differences'])).toContain('"before":"ok","after":"error"')
    expect((await add('stays')).stdout).toBe('2\n')
  })

  test('belongs to its owner', async () => {
    await spawn('mine')
    await one('identity', 'new', 'mallory')
    const refused = await atoll('process', 'upgrade', 'mine', 'counter-2', '--identity', 'mallory')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('not-owner: only the owner of a process has it changed')
    expect((await one('process', 'show', 'mine'))['moduleInForce']).toBe(counter)
  })

  test('keeps states under names, and takes them and documents back', async () => {
    await spawn('kept')
    await add('kept')
    expect(await one('process', 'snapshot', 'kept', '--name', 'one')).toMatchObject({
      $type: 'process.snapshot',
      name: 'one',
    })
    await atoll('process', 'snapshot', 'kept')
    expect(((await one('process', 'snapshots', 'kept'))['snapshots'] as Fields[]).length).toBe(2)
    await add('kept')
    const exported = await atoll('state', 'export', 'kept')
    await writeFile(join(folder.path, 'kept.json'), exported.stdout)
    await one('process', 'restore', 'kept', 'one')
    expect((await add('kept')).stdout).toBe('2\n')
    await add('kept')
    await one('process', 'restore', 'kept', '--file', 'kept.json')
    expect((await add('kept')).stdout).toBe('3\n')
    await one('process', 'forget', 'kept', 'one')
    expect((await atoll('process', 'restore', 'kept', 'one')).code).toBe(1)
    expect((await atoll('process', 'restore', 'kept')).code).toBe(2)
    expect((await atoll('process', 'snapshot', 'kept', '--name', 'no spaces')).stderr).toContain('AT1051')
  })

  test('is forked, now or as of a slot, and the copy goes its own way', async () => {
    const source = await spawn('source')
    await add('source')
    await add('source')
    const fork = (await atoll('process', 'fork', 'source', '--name', 'copy')).stdout.trim()
    expect(fork).toMatch(/^[\w-]{43}$/)
    expect((await add('copy')).stdout).toBe('3\n')
    expect((await add('source')).stdout).toBe('3\n')
    await add('copy')
    await one('process', 'fork', 'source', '--at', '1', '--name', 'early')
    expect((await add('early')).stdout).toBe('2\n')
    const { tags } = await one('process', 'show', 'early')
    expect(tags).toContainEqual({ name: 'Forked-From', value: `${source}@1` })
    expect((await add('source')).stdout).toBe('4\n')
  })

  test('is replayed here up to a slot', async () => {
    await spawn('played')
    for (let at = 0; at < 3; at++) await add('played')
    const document = await one('process', 'replay', 'played', '--to', '2')
    expect(document).toMatchObject({
      $type: 'process.replay',
      ok: true,
      slot: 2,
      steps: [{ slot: 0 }, { slot: 1 }, { slot: 2 }],
    })
    const state = await one('state', 'get', 'played', '--at', '2')
    expect(Buffer.from(String(state['stateRoot']), 'base64url').toString('hex')).toBe(document['stateRoot'])
    const shown = await atoll('process', 'replay', 'played', '-n', '1')
    expect(shown.stdout).toMatch(/^SLOT +GAS +STATE ROOT\n +3 +[\d,]+ +[0-9a-f]{64}\n$/)
    expect(shown.stderr).toContain('4 of 4 frames certified, and none differs')
  })
})

describe('a state', { timeout: 180_000 }, () => {
  test('is shown as of any slot, and what changed between two', async () => {
    await spawn('seen')
    for (let at = 0; at < 3; at++) await add('seen')
    expect(await one('state', 'get', 'seen', '--at', '1')).toMatchObject({ $type: 'state', slot: 1, module: counter })
    expect((await atoll('state', 'get', 'seen')).stdout).toContain('"count"')
    const diff = await one('state', 'diff', 'seen', '--from', '1', '--at', '3')
    expect(diff).toMatchObject({ $type: 'state.diff', from: 1, at: 3, differences: [{ path: ['cells', 'count'] }] })
    expect((await atoll('state', 'diff', 'seen')).stdout).toMatch(/^~ cells\.count ".*" → ".*"\n$/)
    expect((await atoll('state', 'get', 'seen', '--at', '99')).code).toBe(1)
    expect((await atoll('query', 'seen', '--action', 'Get', '--at', '2')).stdout).toBe('2\n')
    expect((await atoll('query', 'seen', '--action', 'Get')).stdout).toBe('3\n')
  })
})

test('what docs/OPERATIONS.md shows is what can be done', { timeout: 180_000 }, async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/OPERATIONS.md'), 'utf8')
  const [section = ''] = /^## To change a process\n[\s\S]*?(?=^## )/m.exec(page) ?? []
  const commands = [...section.matchAll(/^\$ atoll ([^#\n]+)/gm)].map(([, words = '']) => words.trim().split(' '))
  expect(commands.length).toBeGreaterThan(2)
  await spawn('hits')
  await add('hits')
  for (const words of commands) {
    const { code, stderr } = await atoll(...words)
    expect(code, `${words.join(' ')}\n${stderr}`).toBe(0)
  }
  expect((await one('process', 'show', 'hits'))['moduleInForce']).toBe(counter)
})

describe('an agent', { timeout: 180_000 }, () => {
  test('shows its state, its schedules and what they are for', async () => {
    const file = join(import.meta.dirname, '../processes/agent/programs/tally.process.ts')
    const path = join(folder.path, 'tally.json')
    await writeFile(path, (await buildAgent(file)).bytes)
    await one('module', 'add', path, '--name', 'tally', '--format', 'agent')
    await one('spawn', 'tally', '{"start":7}', '--name', 'tally-1')
    await one('send', 'tally-1', '--action', 'everyMinute')
    expect(JSON.parse((await atoll('state', 'get', 'tally-1')).stdout)).toEqual({ total: 7 })
    expect(await one('schedule', 'list', 'tally-1')).toMatchObject({
      schedules: [{ name: 'schedule/minute', everyMs: 60_000, message: 'add', input: { by: 1 } }],
    })
    expect((await atoll('schedule', 'list', 'tally-1')).stdout).toMatch(/\nminute .* 1 min +add \{"by":1\}\n$/)
    await one('schedule', 'run-now', 'tally-1', 'minute')
    await expect.poll(async () => (await atoll('state', 'get', 'tally-1')).stdout, { timeout: 60_000 }).toContain('8')
    expect((await atoll('state', 'diff', 'tally-1', '--from', '0')).stdout).toBe('~ total 7 → 8\n')
  })

  test('with open calls is waited for before it is upgraded, and how not to wait is told', async () => {
    await one('spawn', 'tally', '{}', '--name', 'tally-2')
    await one('send', 'tally-2', '--action', 'slowly')
    expect((await atoll('schedule', 'list', 'tally-2')).stdout).toMatch(/\nagent\/wake .* once +\(a sleep, or .*\)\n$/)
    const tried = await atoll('process', 'upgrade', 'tally-2', 'tally', '--check-only')
    expect([tried.code, tried.stderr]).toEqual([
      1,
      expect.stringMatching(/pending-calls: .*\n {2}next: .*--pending reject/),
    ])
    const stop = new AbortController()
    let told = ''
    await run(['process', 'upgrade', 'tally-2', 'tally'], {
      env,
      signal: stop.signal,
      onErr: text => {
        told += text
        if (told.includes('waiting for 1 open call to end')) stop.abort()
      },
    })
    expect(told).not.toContain('nothing was sent')
    expect((await atoll('process', 'upgrade', 'tally-2', 'tally', '--pending', 'reject')).code).toBe(0)
  })
})

describe('a schedule', { timeout: 180_000 }, () => {
  test('is listed, brought forward and cancelled', async () => {
    await spawn('timed', 'timer')
    const listed = await one('schedule', 'list', 'timed')
    expect(listed).toMatchObject({ $type: 'schedule.list', schedules: [{ name: 'tick/a', everyMs: 60_000 }] })
    expect((await atoll('schedule', 'list', 'timed')).stdout).toMatch(
      /^KEY +DUE +IN +EVERY +MESSAGE\ntick\/a .* (59|60) min +1 min\n$/,
    )
    const run = await one('schedule', 'run-now', 'timed', 'tick/a')
    expect(run).toMatchObject({ $type: 'schedule.run', result: { status: 'ok' } })
    const seen = async (): Promise<number> => Number((await one('process', 'show', 'timed'))['evaluated'])
    await expect.poll(seen, { timeout: 60_000 }).toBe(3)
    expect(await one('result', 'timed', '2')).toMatchObject({ status: 'ok' })
    await one('schedule', 'cancel', 'timed', 'tick/a')
    expect((await one('schedule', 'list', 'timed'))['schedules']).toEqual([])
    expect((await atoll('schedule', 'cancel', 'timed', 'tick/a')).code).toBe(1)
  })

  test('of a cron that nobody monitors says so', async () => {
    await one('spawn', 'counter', '--name', 'cron', '--tag', 'Cron-Interval=1-second')
    const shown = async (): Promise<string> => (await atoll('schedule', 'list', 'cron')).stdout
    await expect.poll(shown, { timeout: 60_000 }).toMatch(/\ncron\/0-1000 .* once monitored +1\.0 s\n$/)
  })
})
