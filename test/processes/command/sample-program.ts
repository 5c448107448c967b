import type { GuestMessage } from '../../../protocol/index.ts'
import { dataOf, guestMessage, tags } from '../../fakes/guest-context.ts'

/**
 * A WASI program without a C library. The first character of the data says what to do:
 *
 *     0  counts in the file `count` and replies the count, one byte modulo 64 as a character
 *     1  counts, then traps               2  never ends
 *     3  calls itself for ever            4  counts, writes to stderr, exits with 7
 *     5  prints what is no action         6  prints for ever
 *     7  writes to `big` until a write is refused, and exits with its error number
 *     8  grows its memory until that is refused, and replies "8"
 *     9  keeps clock and 16 random bytes in the file `facts`
 *     a  counts, and prints the rest of the data
 *     b  reads memory that is not there, through a host call
 */
export const SAMPLE_PROGRAM = `
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "count")
  (data (i32.const 1040) "facts")
  (data (i32.const 1056) "big")
  (data (i32.const 1072) "{\\"reply\\":\\"_\\"}\\n")
  (data (i32.const 1104) "this is no action\\n")
  (data (i32.const 1136) "it went wrong\\n")

  ;; Writes or reads [at, at + length) of a descriptor; gives the error number. The count is at 16.
  (func $write (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16)))
  (func $read (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16)))
  (func $open (param $name i32) (param $length i32) (result i32)
    (drop (call $path_open (i32.const 3) (i32.const 0) (local.get $name) (local.get $length)
      (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 32)))
    (i32.load (i32.const 32)))
  (func $count
    (local $fd i32)
    (local.set $fd (call $open (i32.const 1024) (i32.const 5)))
    (drop (call $read (local.get $fd) (i32.const 2048) (i32.const 8)))
    (i64.store (i32.const 2048) (i64.add (i64.const 1) (i64.load (i32.const 2048))))
    (drop (call $fd_seek (local.get $fd) (i64.const 0) (i32.const 0) (i32.const 40)))
    (drop (call $write (local.get $fd) (i32.const 2048) (i32.const 8))))
  (func $reply (param $character i32)
    (i32.store8 (i32.const 1082) (local.get $character))
    (drop (call $write (i32.const 1) (i32.const 1072) (i32.const 14))))
  (func $deep (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))

  (func (export "_start")
    (local $at i32) (local $what i32) (local $errno i32) (local $fd i32)
    (drop (call $read (i32.const 0) (i32.const 4096) (i32.const 60000)))
    ;; Behind "data":" stands the data.
    (local.set $at (i32.const 4096))
    (loop $search
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $search (i64.ne (i64.load (local.get $at)) (i64.const 0x223a226174616422))))
    (local.set $what (i32.load8_u offset=8 (local.get $at)))
    (if (i32.eq (local.get $what) (i32.const 0x30)) (then
      (call $count)
      (call $reply (i32.add (i32.const 0x23) (i32.and (i32.load (i32.const 2048)) (i32.const 31))))))
    (if (i32.eq (local.get $what) (i32.const 0x31)) (then (call $count) (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 0x32)) (then (call $count) (loop $ever (br $ever))))
    (if (i32.eq (local.get $what) (i32.const 0x33)) (then (call $count) (drop (call $deep (i32.const 0)))))
    (if (i32.eq (local.get $what) (i32.const 0x34)) (then
      (call $count)
      (drop (call $write (i32.const 2) (i32.const 1136) (i32.const 14)))
      (call $proc_exit (i32.const 7))))
    (if (i32.eq (local.get $what) (i32.const 0x35)) (then
      (call $count)
      (drop (call $write (i32.const 1) (i32.const 1104) (i32.const 18)))))
    (if (i32.eq (local.get $what) (i32.const 0x36)) (then
      (call $count)
      (loop $print
        (drop (call $write (i32.const 1) (i32.const 4096) (i32.const 60000)))
        (br $print))))
    (if (i32.eq (local.get $what) (i32.const 0x37)) (then
      (local.set $fd (call $open (i32.const 1056) (i32.const 3)))
      (loop $more
        (local.set $errno (call $write (local.get $fd) (i32.const 4096) (i32.const 60000)))
        (br_if $more (i32.eqz (local.get $errno))))
      (call $proc_exit (local.get $errno))))
    (if (i32.eq (local.get $what) (i32.const 0x38)) (then
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1024)) (i32.const -1))))
      (call $reply (i32.const 0x38))))
    (if (i32.eq (local.get $what) (i32.const 0x39)) (then
      (local.set $fd (call $open (i32.const 1040) (i32.const 5)))
      (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 2048)))
      (drop (call $random_get (i32.const 2056) (i32.const 16)))
      (drop (call $write (local.get $fd) (i32.const 2048) (i32.const 24)))))
    (if (i32.eq (local.get $what) (i32.const 0x62)) (then
      (call $count)
      (drop (call $write (i32.const 1) (i32.const 0x7fffff00) (i32.const 0x7fffffff)))))
    ;; stdout is the data behind the "a", up to "encoding": what it holds is escaped by the caller.
    (if (i32.eq (local.get $what) (i32.const 0x61)) (then
      (call $count)
      (call $unescape (i32.add (local.get $at) (i32.const 9))))))

  ;; Prints a JSON string from its inside up to the closing quote; of escapes only the character behind the backslash.
  (func $unescape (param $at i32)
    (local $to i32) (local $c i32)
    (local.set $to (i32.const 70000))
    (block $end (loop $more
      (local.set $c (i32.load8_u (local.get $at)))
      (br_if $end (i32.eq (local.get $c) (i32.const 0x22)))
      (if (i32.eq (local.get $c) (i32.const 0x5c)) (then
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $c (i32.load8_u (local.get $at)))
        (if (i32.eq (local.get $c) (i32.const 0x6e)) (then (local.set $c (i32.const 10))))))
      (i32.store8 (local.get $to) (local.get $c))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $more)))
    (drop (call $write (i32.const 1) (i32.const 70000) (i32.sub (local.get $to) (i32.const 70000)))))
)
`

/** A message that has the sample do `what`. */
export const doing = (what: string, parts: Partial<GuestMessage> = {}): GuestMessage =>
  guestMessage({ data: dataOf(what), ...parts })

/** A message that has the sample count, and print these lines. */
export const printing = (lines: readonly object[], parts: Partial<GuestMessage> = {}): GuestMessage =>
  doing(`a${lines.map(line => JSON.stringify(line)).join('\n')}`, parts)

/** A message that asks for something by its action. */
export const acting = (action: string, data = '', parts: Partial<GuestMessage> = {}): GuestMessage =>
  guestMessage({ tags: tags('Action', action), data: dataOf(data), ...parts })
