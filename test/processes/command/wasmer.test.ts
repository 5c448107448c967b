import { expect, it } from 'vitest'
import { commandRuntime } from '../../../processes/index.ts'
import { ERRNO } from '../../../processes/command/wasi/errno.ts'
import { COMMAND_DESCRIPTORS_MAX } from '../../../protocol/index.ts'
import { runtimeConformance } from '../../conformance/runtime.ts'
import { fakeModule, tags } from '../../fakes/guest-context.ts'
import { wat } from '../actor/sample-actor.ts'
import { CommandDriver } from './command-driver.ts'
import { acting, doing, SAMPLE_PROGRAM } from './sample-program.ts'

runtimeConformance({
  name: 'command through Wasmer',
  runtime: commandRuntime,
  module: async () => fakeModule('command', await wat(SAMPLE_PROGRAM), tags('Command-Engine', 'wasmer')),
  message: n => doing(n % 4 === 3 ? '9' : '0'),
  failing: doing('1'),
  endless: { message: doing('2'), gasLimit: 2_000_000n },
  timeoutMs: 60_000,
})

/** Sleeps an hour, and keeps in a file: clock, ids, and the folder it is in. */
const WASIX_PROGRAM = `
(module
  (import "wasix_32v1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasix_32v1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasix_32v1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasix_32v1" "thread_sleep" (func $thread_sleep (param i64) (result i32)))
  (import "wasix_32v1" "thread_id" (func $thread_id (param i32) (result i32)))
  (import "wasix_32v1" "thread_parallelism" (func $thread_parallelism (param i32) (result i32)))
  (import "wasix_32v1" "proc_id" (func $proc_id (param i32) (result i32)))
  (import "wasix_32v1" "getcwd" (func $getcwd (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "workspace/facts")
  (func (export "_start")
    (drop (call $thread_sleep (i64.const 3600000000000)))
    (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 2048)))
    (drop (call $thread_id (i32.const 2056)))
    (drop (call $thread_parallelism (i32.const 2060)))
    (drop (call $proc_id (i32.const 2064)))
    (i32.store (i32.const 512) (i32.const 32))
    (drop (call $getcwd (i32.const 2068) (i32.const 512)))
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 15)
      (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 32)))
    (i32.store (i32.const 0) (i32.const 2048))
    (i32.store (i32.const 4) (i32.const 30))
    (drop (call $fd_write (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 16)))))
`

it("runs a program of WASIX, which sees one thread, one process, and time that is the slot's", {
  timeout: 180_000,
}, async () => {
  const process = CommandDriver.open(await wat(WASIX_PROGRAM), tags('Command-Engine', 'wasmer'))
  const outcomes = [1, 2].map(() => process.run(acting('', '', { timestampMs: 1_700_000_000_000 })))
  expect(outcomes.map(({ ending }) => ending.status)).toEqual(['ok', 'ok'])
  const facts = process.file('facts') ?? new Uint8Array(0)
  const view = new DataView(facts.buffer, facts.byteOffset)
  expect(view.getBigUint64(0, true)).toBe((1_700_000_000_000n + 3_600_000n) * 1_000_000n)
  expect([8, 12, 16].map(at => view.getUint32(at, true))).toEqual([1, 1, 1])
  expect(new TextDecoder().decode(facts.subarray(20))).toBe('/workspace')
  process.close()
})

it('refuses a program that asks for threads, processes or sockets, or for a call of another type', async () => {
  const program = (name: string, type: string) =>
    `(module (import "wasix_32v1" "${name}" (func ${type})) (memory 1) (func (export "_start")))`
  for (const [name, type, rule] of [
    ['thread_spawn', '(param i32) (result i32)', 'import-not-allowed'],
    ['proc_fork', '(param i32 i32) (result i32)', 'import-not-allowed'],
    ['sock_open', '(param i32 i32 i32 i32) (result i32)', 'import-not-allowed'],
    ['getcwd', '(param i64 i32) (result i32)', 'import-type'],
  ] as const) {
    const module = fakeModule('command', await wat(program(name, type)), tags('Command-Engine', 'wasmer'))
    expect(() => commandRuntime.prepare(module)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ rule }) }),
    )
  }
})

/** Keeps a file, makes a link to it, seeks too far, and replies what those two calls said. */
const LINKING_PROGRAM = `
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "kept")
  (data (i32.const 1032) "link")
  (data (i32.const 1040) "{\\"reply\\":\\"00\\"}")
  (func (export "_start")
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4)
      (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 32)))
    (i32.store8 (i32.const 1050) (call $path_symlink (i32.const 1024) (i32.const 4) (i32.const 3) (i32.const 1032) (i32.const 4)))
    (i32.store8 (i32.const 1051) (call $fd_seek (i32.load (i32.const 32)) (i64.const 0x4000000000000) (i32.const 0) (i32.const 40)))
    (i32.store (i32.const 0) (i32.const 1040))
    (i32.store (i32.const 4) (i32.const 14))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
`

it('makes no links, which cannot be kept, and a call that is refused does not take the rest of a run its room', {
  timeout: 180_000,
}, async () => {
  const process = CommandDriver.open(await wat(LINKING_PROGRAM), tags('Command-Engine', 'wasmer'))
  const { answer } = process.run(acting(''))
  const said = String.fromCharCode(ERRNO.notSupported, ERRNO.noSpace)
  expect(answer).toEqual({ reply: said })
  expect([...process.cells.values.keys()]).toEqual(['files/kept'])
  process.close()
})

/** Opens a file until that is refused, closes one and opens it again; replies how often it went, and what refused it. */
const OPENING_PROGRAM = `
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "kept/")
  (data (i32.const 1040) "{\\"reply\\":\\"00000\\"}")
  (func $open (param $length i32) (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (local.get $length)
      (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 32)))
  (func (export "_start")
    (local $count i32) (local $errno i32)
    (i32.store8 (i32.const 1054) (i32.add (i32.const 48) (call $open (i32.const 5))))
    (loop $more
      (local.set $errno (call $open (i32.const 4)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $more (i32.and (i32.eqz (local.get $errno)) (i32.lt_u (local.get $count) (i32.const 600)))))
    (i32.store8 (i32.const 1050) (i32.add (i32.const 48) (i32.shr_u (local.get $count) (i32.const 6))))
    (i32.store8 (i32.const 1051) (i32.add (i32.const 48) (i32.and (local.get $count) (i32.const 63))))
    (i32.store8 (i32.const 1052) (i32.add (i32.const 48) (local.get $errno)))
    (drop (call $fd_close (i32.load (i32.const 32))))
    (i32.store8 (i32.const 1053) (i32.add (i32.const 48) (call $open (i32.const 4))))
    (i32.store (i32.const 0) (i32.const 1040))
    (i32.store (i32.const 4) (i32.const 17))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
`

it.each([
  ['Wasmer', tags('Command-Engine', 'wasmer')],
  ['the host', []],
])(
  '%s gives a program so many descriptors and no more, and makes no file where only a folder can be',
  {
    timeout: 180_000,
  },
  async (_, moduleTags) => {
    const process = CommandDriver.open(await wat(OPENING_PROGRAM), moduleTags)
    const { answer } = process.run(acting(''))
    const tried = COMMAND_DESCRIPTORS_MAX - 4 + 1
    const said = [tried >> 6, tried & 63, ERRNO.tooManyDescriptors, ERRNO.success, ERRNO.isFolder]
    expect(answer).toEqual({ reply: String.fromCharCode(...said.map(value => 48 + value)) })
    expect([...process.cells.values.keys()]).toEqual(['files/kept'])
    process.close()
  },
)
