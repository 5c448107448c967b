import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import wabtInit from 'wabt'
import { loadModule, messageOf, outputOf, WASM32, WASM64 } from './fixtures.ts'
import { Held, stateOf } from './state.ts'

const wabt = await wabtInit()

/** The least an ao module needs, on 32 bits; `handle` runs `body` and answers "..", two bytes at 49. */
function moduleOf(body: string, extra = '', pages = '2 64'): Uint8Array {
  const text = `(module ${extra}
    (memory (export "memory") ${pages})
    (global $stack (mut i32) (i32.const 65536))
    (global $threw (mut i32) (i32.const 0))
    (data (i32.const 16) "{\\"ok\\":true,\\"response\\":{\\"Output\\":\\"..\\"}}\\00")
    (func (export "__wasm_call_ctors"))
    (func (export "malloc") (param i32) (result i32) (i32.const 66000))
    (func (export "free") (param i32))
    (func (export "setThrew") (param i32 i32) (global.set $threw (local.get 0)))
    (func (export "emscripten_stack_get_end") (result i32) (i32.const 4096))
    (func (export "emscripten_stack_get_current") (result i32) (global.get $stack))
    (func (export "_emscripten_stack_restore") (param i32) (global.set $stack (local.get 0)))
    (func (export "_emscripten_stack_alloc") (param i32) (result i32)
      (global.set $stack (i32.and (i32.sub (global.get $stack) (local.get 0)) (i32.const -16)))
      (global.get $stack))
    (func (export "handle") (param i32 i32) (result i32) ${body} (i32.const 16)))`
  const module = wabt.parseWat('module.wat', text, { mutable_globals: true, bulk_memory: true })
  return new Uint8Array(module.toBinary({}).buffer)
}

const importOf = (name: string, type: string, from = 'env'): string =>
  `(import "${from}" "${name}" (func $${name} ${type}))`

/** Runs `handle` once; a guest that ended badly must be as before. */
function run(wasm: Uint8Array, gas = 1_000_000_000n) {
  const held = new Held(loadModule(wasm, WASM32))
  const before = stateOf(held.guest)
  const { ending, context } = held.step(messageOf(1, ''), gas)
  if (ending.status === 'error') expect(stateOf(held.guest)).toBe(before)
  return { ending, context, held }
}

const answer = (wasm: Uint8Array): unknown => outputOf(run(wasm).ending.output)['Output']

describe('a call of the host', () => {
  it.each([
    ['abort', importOf('abort', ''), '(call $abort)', 'abort'],
    ['exit', importOf('exit', '(param i32)'), '(call $exit (i32.const 3))', 'exit'],
    [
      'a failed assertion',
      importOf('__assert_fail', '(param i32 i32 i32 i32)'),
      '(call $__assert_fail (i32.const 16) (i32.const 0) (i32.const 1) (i32.const 0))',
      'abort',
    ],
    [
      'an exception nobody catches',
      importOf('__cxa_throw', '(param i32 i32 i32)'),
      '(call $__cxa_throw (i32.const 0) (i32.const 0) (i32.const 0))',
      'abort',
    ],
    ['a longjmp to nowhere', importOf('_emscripten_throw_longjmp', ''), '(call $_emscripten_throw_longjmp)', 'abort'],
    [
      'a copy from beyond memory',
      importOf('emscripten_memcpy_js', '(param i32 i32 i32)'),
      '(call $emscripten_memcpy_js (i32.const 0) (i32.const 131000) (i32.const 100))',
      'trap',
    ],
    [
      'a copy to a negative address',
      importOf('emscripten_memcpy_js', '(param i32 i32 i32)'),
      '(call $emscripten_memcpy_js (i32.const -8) (i32.const 0) (i32.const 4))',
      'trap',
    ],
    [
      'a copy of a negative length',
      importOf('emscripten_memcpy_js', '(param i32 i32 i32)'),
      '(call $emscripten_memcpy_js (i32.const 0) (i32.const 0) (i32.const -1))',
      'trap',
    ],
    [
      'random bytes beyond memory',
      importOf('getentropy', '(param i32 i32) (result i32)'),
      '(drop (call $getentropy (i32.const 131071) (i32.const 2)))',
      'trap',
    ],
    [
      'a path without end',
      importOf('__syscall_rmdir', '(param i32) (result i32)'),
      '(memory.fill (i32.const 70000) (i32.const 65) (i32.const 61072)) (drop (call $__syscall_rmdir (i32.const 70000)))',
      'trap',
    ],
    [
      'a call-back of an empty table entry',
      `${importOf('invoke_v', '(param i32)')} (table (export "table") 2 funcref)`,
      '(call $invoke_v (i32.const 1))',
      'trap',
    ],
    [
      'a call-back beyond the table',
      `${importOf('invoke_v', '(param i32)')} (table (export "table") 2 funcref)`,
      '(call $invoke_v (i32.const 99))',
      'trap',
    ],
    [
      'a call-back of another type',
      `${importOf('invoke_v', '(param i32)')} (table 1 funcref)
      (elem (i32.const 0) $wide) (func $wide (param i64))`,
      '(call $invoke_v (i32.const 0))',
      'trap',
    ],
  ])('%s ends the slot', (_, extra, body, code) => {
    const { ending } = run(moduleOf(body, extra))
    expect(ending).toMatchObject({ status: 'error', gas: 1_000_000_000n, error: { code } })
  })

  it('costs gas by the bytes it moves', () => {
    const extra = importOf('emscripten_memcpy_js', '(param i32 i32 i32)')
    const body = `(loop $again
      (call $emscripten_memcpy_js (i32.const 70000) (i32.const 66000) (i32.const 60000)) (br $again))`
    expect(run(moduleOf(body, extra), 1_000_000n).ending).toMatchObject({
      error: { code: 'out-of-gas' },
    })
    const once = run(moduleOf(body.replace('(br $again)', ''), extra)).ending
    expect(Number(once.gas)).toBeGreaterThan(60_000 / 8)
  })

  it('marks what it wrote, so that a failed slot leaves nothing behind', () => {
    const extra = `${importOf('getentropy', '(param i32 i32) (result i32)')} ${importOf('abort', '')}`
    run(moduleOf('(drop (call $getentropy (i32.const 69000) (i32.const 5000))) (call $abort)', extra))
  })

  it('of a call-back that traps is no longjmp', () => {
    const extra = `${importOf('invoke_v', '(param i32)')} (table 1 funcref)
      (elem (i32.const 0) $bad) (func $bad unreachable)`
    expect(run(moduleOf('(call $invoke_v (i32.const 0))', extra)).ending).toMatchObject({
      error: { code: 'trap' },
    })
  })

  it('back into the guest counts for the depth of calls', async () => {
    const extra = `${importOf('invoke_v', '(param i32)')} (table 1 funcref)
      (elem (i32.const 0) $again) (func $again (call $invoke_v (i32.const 0)))`
    const wasm = moduleOf('(call $invoke_v (i32.const 0))', extra)
    // The depth limit is for the stack of hosts, which is larger than a test's.
    const script = fileURLToPath(new URL('deep-child.ts', import.meta.url))
    const args = ['--stack-size=3900', script, Buffer.from(wasm).toString('base64')]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout.trim()).toBe('stack-overflow')
  })

  it('gives back the depth after many jumps', () => {
    const extra = `${importOf('invoke_v', '(param i32)')} ${importOf('_emscripten_throw_longjmp', '')}
      (table 1 funcref) (elem (i32.const 0) $jump)
      (func $jump (call $deeper)) (func $deeper (call $_emscripten_throw_longjmp))`
    const body = `(local $i i32) (loop $again (call $invoke_v (i32.const 0))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))
      (i32.store8 (i32.const 49) (i32.add (i32.const 48) (global.get $threw)))`
    expect(answer(moduleOf(body, extra))).toBe('1.')
  })

  it('grows the heap by the rules, and not beyond', () => {
    const extra = importOf('emscripten_resize_heap', '(param i32) (result i32)')
    const digit = (index: number, bytes: number) =>
      `(i32.store8 (i32.const ${index}) (i32.add (i32.const 48) (call $emscripten_resize_heap (i32.const ${bytes}))))`
    const { ending, held } = run(moduleOf(`${digit(49, 1_000_000)} ${digit(50, 65 * 65_536)}`, extra))
    expect(outputOf(ending.output)['Output']).toBe('10')
    expect(held.guest.pages).toBe(16)
  })

  it('tells nothing of the machine', () => {
    const extra = `${importOf('environ_sizes_get', '(param i32 i32) (result i32)', 'wasi_snapshot_preview1')}
      ${importOf('system', '(param i32) (result i32)')}`
    const body = `(i32.store (i32.const 66000) (i32.const 7))
      (drop (call $environ_sizes_get (i32.const 66000) (i32.const 66004)))
      (i32.store8 (i32.const 49) (i32.add (i32.const 48) (i32.load (i32.const 66000))))
      (i32.store8 (i32.const 50) (i32.add (i32.const 48) (call $system (i32.const 0))))`
    expect(answer(moduleOf(body, extra))).toBe('00')
  })

  it('writes lines to the log, and only so many', () => {
    const extra = `${importOf('fd_write', '(param i32 i32 i32 i32) (result i32)', 'wasi_snapshot_preview1')}
      (data (i32.const 66000) "one\\ntwo\\nthr")`
    const write = (
      length: number,
    ) => `(i32.store (i32.const 66100) (i32.const 66000)) (i32.store (i32.const 66104) (i32.const ${length}))
      (drop (call $fd_write (i32.const 1) (i32.const 66100) (i32.const 1) (i32.const 66108)))`
    expect(run(moduleOf(write(11), extra)).context.lines).toEqual(['one', 'two', 'thr'])
    const flood = `(loop $again ${write(8)} (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 70000))))`
    const { lines } = run(moduleOf(flood, extra)).context
    expect(lines.join('\n').length).toBeLessThanOrEqual(16 * 1024)
    expect(lines.length).toBeGreaterThan(4000)
  })
})

describe('what handle gives', () => {
  const giving = (text: string): Uint8Array =>
    moduleOf('(return (i32.const 66000))', `(data (i32.const 66000) "${text.replaceAll('"', '\\"')}\\00")`)

  it.each([
    ['no JSON', 'hello', 'bad-output'],
    ['no object', '[1]', 'bad-output'],
    ['far too deep', `{"ok":true,"response":{"Output":${'['.repeat(5000)}${']'.repeat(5000)}}}`, 'bad-output'],
    ['ok false', '{"ok":false,"response":"it broke"}', 'aos-error'],
    ['no ok', '{"response":{"Output":"x"}}', 'aos-error'],
    [
      'an error',
      '{"ok":true,"response":{"Error":"it broke","Messages":[{"Target":"x","Anchor":"a","Tags":[]}]}}',
      'aos-error',
    ],
  ])('%s is an error of the slot', (_, text, code) => {
    const { ending, context } = run(giving(text))
    expect(ending).toMatchObject({ status: 'error', error: { code } })
    expect(context.sent).toEqual([])
  })

  it('text without end is an error of the slot', () => {
    const wasm = moduleOf('(memory.fill (i32.const 70000) (i32.const 65) (i32.const 61072)) (return (i32.const 70000))')
    expect(run(wasm).ending).toMatchObject({ error: { code: 'trap' } })
  })

  it('an address beyond memory is an error of the slot', () => {
    expect(run(moduleOf('(return (i32.const 5000000))')).ending).toMatchObject({
      error: { code: 'trap' },
    })
  })

  it('odd messages and tags become sensible ones or none', () => {
    const tags =
      '[{"name":"N","value":5},{"name":"B","value":true},{"name":"O","value":{}},{"name":7,"value":"x"},"y",{"name":"Module","value":"a"},{"name":"module","value":"b"}]'
    const { context } = run(
      giving(
        `{"ok":true,"response":{"Messages":[
      {"Target":"x","Anchor":"a","Tags":${tags},"Data":5},{"Target":"x","Tags":[]},{"Anchor":"a","Tags":[]},{"Target":"x","Anchor":"a"},"z",
      {"Target":9,"Anchor":"a","Tags":[]}],"Spawns":[{"Tags":[]}],"Assignments":[{"Message":5},{"Message":"m","Processes":[]}]}}`.replaceAll(
          '\n',
          ' ',
        ),
      ),
    )
    expect(context.sent).toHaveLength(1)
    expect(context.sent[0]?.tags).toEqual([
      { name: 'N', value: '5' },
      { name: 'B', value: 'true' },
      { name: 'Module', value: 'a' },
    ])
    expect(new TextDecoder().decode(context.sent[0]?.data)).toBe('5')
    expect([...context.spawned, ...context.assigned]).toEqual([])
  })
})

describe('an address of 64 bits', () => {
  it('that is far out is an error of the slot', () => {
    const text = `(module (import "env" "emscripten_memcpy_js" (func $copy (param i64 i64 i64)))
      (memory i64 2) (func (export "__wasm_call_ctors"))
      (func (export "malloc") (param i64) (result i64) (i64.const 66000))
      (func (export "_emscripten_stack_alloc") (param i64) (result i64) (i64.const 66000))
      (func (export "handle") (param i64 i64) (result i64)
        (call $copy (i64.const 0x7fffffffffffffff) (i64.const 0) (i64.const 8)) (i64.const 0)))`
    const module = wabt.parseWat('module.wat', text, { memory64: true })
    const held = new Held(loadModule(new Uint8Array(module.toBinary({}).buffer), WASM64))
    expect(held.step(messageOf(1, '')).ending).toMatchObject({ error: { code: 'trap' } })
  })
})
