import { badCall } from '../actor/guest-stop.ts'
import type { EngineCalls } from './engine-calls.ts'

/** What a run takes from outside besides its message. */
export interface HostInputs {
  /** The timestamp of the slot. */
  nowMs: number
  /** Once less gas is left, code is interrupted where it stands, at one of the places where the engine asks. */
  gasReserve: bigint
  /** Code is about to be interrupted, and its frames still stand. */
  interrupting(): void
  /** What a slot takes from its host. */
  slot: SlotCalls
  /** A part of the message that was not handed over: a value that is ours to give away. */
  part(name: MessagePart): number
  /** Writes the JSON of a reply, a value of the engine; says whether it did. If the number of a route is given, only what is surely a reply of that. */
  write(value: number, route: number | undefined): boolean
  /** A promise was rejected while nobody listened (0), or somebody listens now (1); both values are ours to free. */
  rejection(promise: number, reason: number, isHandled: number): void
}

/** What a program calls in a slot, and what it pays for. */
export interface SlotCalls {
  /** 32 random bits. */
  random(): number
  /** The id of the child that a spawn at this place of the outbox makes. */
  child(index: number): string
  log(text: string): void
  /** The host read or wrote JSON in so many steps: bytes, fields and items. */
  looked(steps: number): void
  /** So many bytes of a message were handed over. */
  handed(bytes: number): void
}

/** What is told of a message when somebody asks (`guest/task.ts`). */
export type MessagePart = 'data' | 'rest'

/** The error number of WASI for what is not there. */
const ERRNO_BADF = 8
/** Parts of one piece of printed text that are counted. */
const PARTS_MAX = 1024
/** The engine asks once, at its start, before it has a program: for the seed of its hash tables. */
const START_SEED = 0x5a

/**
 * The imports of one instance. Everything is a function of the message: time is the slot's, randomness
 * comes from the context, there are no files, and what is printed goes nowhere.
 */
export function makeImports(inputs: HostInputs, calls: () => EngineCalls): WebAssembly.Imports {
  return {
    env: {
      host_get_timezone_offset: () => 0,
      host_interrupt: () => {
        if (calls().gas.value >= inputs.gasReserve) return 0
        inputs.interrupting()
        return 1
      },
      host_module_load: () => 0,
      host_module_normalize: () => 0,
      host_promise_rejection: (promise: number, reason: number, isHandled: number) =>
        inputs.rejection(promise, reason, isHandled),
      host_call: (name: number, length: number, _self: number, count: number, values: number) =>
        hostCall(inputs, calls(), { name, length, count, values }),
    },
    wasi_snapshot_preview1: {
      clock_time_get: (_clock: number, _precision: bigint, at: number) => {
        const bytes = new Uint8Array(8)
        new DataView(bytes.buffer).setBigUint64(0, BigInt(inputs.nowMs) * 1_000_000n, true)
        calls().memory.write(at, bytes, 'clock')
        return 0
      },
      random_get: (at: number, length: number) => {
        const { memory } = calls()
        memory.check(at, length, 'random')
        memory.write(at, new Uint8Array(length >>> 0).fill(START_SEED), 'random')
        return 0
      },
      fd_close: () => 0,
      fd_fdstat_get: () => ERRNO_BADF,
      fd_seek: () => ERRNO_BADF,
      fd_write: (_file: number, parts: number, count: number, writtenAt: number) => {
        if (count >>> 0 > PARTS_MAX) throw badCall('write', 'too many parts')
        let total = 0
        for (let index = 0; index < count; index++) total += readUint32(calls(), parts + 8 * index + 4)
        calls().memory.writeUint32(writtenAt, total, 'write')
        return 0
      },
    },
  }
}

interface HostCall {
  readonly name: number
  readonly length: number
  readonly count: number
  readonly values: number
}

/** A function of the host was called by the program; gives a value that the engine frees. */
function hostCall(inputs: HostInputs, calls: EngineCalls, { name, length, count, values }: HostCall): number {
  const { exports, memory } = calls
  const called = memory.readKey(name, length, 'host call')
  const first = count === 0 ? 0 : readUint32(calls, values)
  switch (called) {
    case 'random':
      return exports.qjs_new_number(inputs.slot.random())
    case 'child': {
      const index = first === 0 ? 0 : exports.qjs_get_float64(first)
      const id = inputs.slot.child(Number.isSafeInteger(index) && index >= 0 ? index : 0)
      return newString(calls, id)
    }
    case 'write': {
      const route = count < 2 ? undefined : exports.qjs_get_float64(readUint32(calls, values + 4))
      return inputs.write(first, route) ? exports.qjs_get_true() : exports.qjs_get_false()
    }
    case 'data':
    case 'rest':
      return inputs.part(called)
    default: {
      const lengthAt = calls.allocate(4)
      inputs.slot.log(first === 0 ? '' : calls.text(first, lengthAt).toString('utf8'))
      exports.wasm_free(lengthAt)
      return exports.qjs_get_undefined()
    }
  }
}

/** A number in the engine's memory, wherever the engine says it is. @throws {GuestStop} if that is outside */
const readUint32 = ({ memory }: EngineCalls, at: number): number => memory.readUint32(at, 'host call')

function newString(calls: EngineCalls, text: string): number {
  const pointer = calls.name(text)
  const value = calls.exports.qjs_new_string(pointer, text.length)
  calls.exports.wasm_free(pointer)
  return value
}
