import wabt from 'wabt'
import { actorRuntime } from '../../../processes/actor/index.ts'
import type { Ending, Guest, GuestFactory, GuestMessage, Tag } from '../../../protocol/index.ts'
import { FakeContext, fakeModule, fakeProcess, guestMessage } from '../../fakes/guest-context.ts'

const loaded = wabt()

/** Makes a binary module of text. */
export async function wat(text: string): Promise<Uint8Array> {
  const { parseWat } = await loaded
  const module = parseWat('sample.wat', text, {
    multi_value: true,
    bulk_memory: true,
    sign_extension: true,
  })
  try {
    return module.toBinary({}).buffer
  } finally {
    module.destroy()
  }
}

/**
 * An actor with state in memory, in a global and in the size of its memory. The first byte of the
 * data says what to do: 0 counts, 1 counts and traps, 2 never ends, 3 grows the memory by a page and
 * writes to it, 4 counts and returns 7, 5 calls itself for ever, 6 reads behind
 * one page, 7 writes where the third page would be.
 */
export const SAMPLE_ACTOR = `
(module
  (import "atoll" "reply" (func $reply (param i32 i32)))
  (memory (export "memory") 1)
  (global $runs (mut i64) (i64.const 0))
  (global $spare (mut f64) (f64.const 0.5))
  (func (export "inbox") (param i32) (result i32) (i32.const 4096))
  (func $deep (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
  (func $count
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))
    (global.set $runs (i64.add (global.get $runs) (i64.const 3)))
    (i64.store (i32.const 8) (global.get $runs))
    (i64.store (i32.const 16) (i64.extend_i32_u (memory.size)))
    ;; a store across the border of two chunks, at a place that depends on the count
    (i64.store
      (i32.add (i32.const 12284) (i32.shl (i32.wrap_i64 (i64.load (i32.const 0))) (i32.const 5)))
      (i64.const -1)))
  (func (export "handle") (param $length i32) (result i32)
    (local $what i32)
    ;; the data begin where the tags end
    (local.set $what (i32.load8_u (i32.add (i32.const 4096) (i32.load (i32.const 4160)))))
    (call $count)
    (if (i32.eq (local.get $what) (i32.const 1)) (then unreachable))
    (if (i32.eq (local.get $what) (i32.const 2)) (then (loop $for_ever (br $for_ever))))
    (if (i32.eq (local.get $what) (i32.const 3))
      (then
        (drop (memory.grow (i32.const 1)))
        (i32.store
          (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 2048))
          (i32.wrap_i64 (i64.load (i32.const 0))))))
    (if (i32.eq (local.get $what) (i32.const 4)) (then (return (i32.const 7))))
    (if (i32.eq (local.get $what) (i32.const 5)) (then (drop (call $deep (i32.const 0)))))
    (if (i32.eq (local.get $what) (i32.const 6)) (then (drop (i32.load (i32.const 65536)))))
    (if (i32.eq (local.get $what) (i32.const 7))
      (then (i32.store (i32.add (i32.const 140000) (local.get $what)) (i32.const 1))))
    (call $reply (i32.const 0) (i32.const 24))
    (i32.const 0)))
`

const IMPORTS = `
  (import "atoll" "send" (func $send (param i32 i32)))
  (import "atoll" "spawn" (func $spawn (param i32 i32 i32)))
  (import "atoll" "assign" (func $assign (param i32 i32)))
  (import "atoll" "reply" (func $reply (param i32 i32)))
  (import "atoll" "log" (func $log (param i32 i32)))
  (import "atoll" "fail" (func $fail (param i32 i32)))
  (import "atoll" "now" (func $now (result i64)))
  (import "atoll" "random" (func $random (param i32 i32)))
  (import "atoll" "self" (func $self (param i32) (result i32)))
  (import "atoll" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "atoll" "set" (func $set (param i32 i32 i32 i32)))
  (import "atoll" "delete" (func $delete (param i32 i32)))
  (import "atoll" "add" (func $add (param i32 i32 i64)))
  (import "atoll" "scan" (func $scan (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "atoll" "set_timer" (func $set_timer (param i32 i32 i64 i64)))
  (import "atoll" "clear_timer" (func $clear_timer (param i32 i32)))`

/**
 * An actor that does `body` for every message and replies with bytes 0 to 256 of its memory of two
 * pages. The message stands at 4096; `rest` adds data, functions and exports.
 */
export const actorText = (body: string, rest = ''): string => `
(module ${IMPORTS}
  (memory (export "memory") 2)
  (func (export "inbox") (param i32) (result i32) (i32.const 4096))
  ${rest}
  (func (export "handle") (param $length i32) (result i32)
    ${body}
    (call $reply (i32.const 0) (i32.const 256))
    (i32.const 0)))`

export async function loadActor(text: string, moduleTags: readonly Tag[] = []): Promise<GuestFactory> {
  const module = fakeModule('actor', await wat(text), moduleTags)
  return actorRuntime.load(actorRuntime.prepare(module), module)
}

export async function openActor(text: string, moduleTags: readonly Tag[] = []): Promise<Guest> {
  return (await loadActor(text, moduleTags)).open(fakeProcess())
}

/** Runs one message and keeps it if it ended well. */
export function runOnce(
  guest: Guest,
  message: Partial<GuestMessage> = {},
  context = new FakeContext(),
  gasLimit = 1_000_000_000n,
): Ending {
  const ending = guest.run(guestMessage(message), context, gasLimit)
  if (ending.status === 'ok') guest.keep()
  else guest.discard()
  return ending
}

/** Runs `body` once in a new actor. */
export async function tryBody(body: string, rest = '', context = new FakeContext()): Promise<Ending> {
  return runOnce(await openActor(actorText(body, rest)), {}, context)
}
