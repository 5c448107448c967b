// The imports of the actor ABI (docs/protocol/actor-abi.md), by pointer and length.

@external("atoll", "send")
export declare function send(pointer: usize, length: i32): void
@external("atoll", "spawn")
export declare function spawn(pointer: usize, length: i32, idPointer: usize): void
@external("atoll", "reply")
export declare function reply(pointer: usize, length: i32): void
@external("atoll", "log")
export declare function log(pointer: usize, length: i32): void
@external("atoll", "fail")
export declare function fail(pointer: usize, length: i32): void
@external("atoll", "random")
export declare function random(pointer: usize, length: i32): void
@external("atoll", "self")
export declare function self(pointer: usize): i32
@external("atoll", "get")
export declare function get(key: usize, keyLength: i32, value: usize, capacity: i32): i32
@external("atoll", "set")
export declare function set(key: usize, keyLength: i32, value: usize, length: i32): void
@external("atoll", "delete")
export declare function remove(key: usize, keyLength: i32): void
@external("atoll", "add")
export declare function add(key: usize, keyLength: i32, delta: i64): void
@external("atoll", "scan")
export declare function scan(
  from: usize,
  fromLength: i32,
  to: usize,
  toLength: i32,
  limit: i32,
  reverse: i32,
  out: usize,
  capacity: i32,
): i32
@external("atoll", "set_timer")
export declare function setTimer(key: usize, keyLength: i32, dueMs: i64, everyMs: i64): void
@external("atoll", "clear_timer")
export declare function clearTimer(key: usize, keyLength: i32): void
