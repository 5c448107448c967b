import { Buffer } from 'node:buffer'
import { HostFault } from '../../protocol/index.ts'
import { GuestMemory } from '../actor/guest-memory.ts'
import type { GlobalValues } from '../actor/engine-state.ts'
import { INJECTED } from '../rewriter/index.ts'
import type { Engine } from './engine.ts'
import { type HostInputs, makeImports } from './engine-imports.ts'

/** A value of the engine: the address of a box in its memory. */
type Handle = number
type Numbers = (...args: readonly number[]) => number

/** The exports of the engine that are called. */
interface EngineExports {
  readonly _initialize: () => void
  readonly qjs_init: () => number
  readonly qjs_set_max_stack_size: Numbers
  readonly qjs_set_promise_rejection_handler: Numbers
  readonly qjs_set_interrupt_handler: Numbers
  readonly qjs_run_gc: () => void
  readonly qjs_compile: Numbers
  readonly qjs_eval_bytecode: Numbers
  readonly qjs_set_gc_threshold: (bytes: number) => void
  readonly qjs_new_string: Numbers
  readonly qjs_new_object: () => Handle
  readonly qjs_new_array_buffer: Numbers
  readonly qjs_get_array_buffer: Numbers
  readonly qjs_new_host_function: Numbers
  readonly qjs_new_number: Numbers
  readonly qjs_get_float64: Numbers
  readonly qjs_get_global: () => Handle
  readonly qjs_get_undefined: () => Handle
  readonly qjs_get_true: () => Handle
  readonly qjs_get_false: () => Handle
  readonly qjs_get_prop_string: Numbers
  readonly qjs_set_prop_string: Numbers
  readonly qjs_get_string_len: Numbers
  readonly qjs_free_cstring: (pointer: number) => void
  readonly qjs_free_value: (value: Handle) => void
  readonly qjs_is_exception: Numbers
  readonly qjs_is_undefined: Numbers
  readonly qjs_get_exception: () => Handle
  readonly qjs_call: Numbers
  readonly qjs_is_job_pending: () => number
  readonly qjs_execute_pending_job: () => number
  readonly qjs_get_runtime_ptr: () => number
  readonly qjs_get_context_ptr: () => number
  readonly JS_NewAtom: Numbers
  readonly JS_FreeValueRT: (runtime: number, value: bigint) => void
  readonly js_malloc_rt: Numbers
  readonly js_free_rt: (runtime: number, address: number) => void
  readonly wasm_malloc: Numbers
  readonly wasm_free: (pointer: number) => void
}

/** What compiled code leaves out: JS_STRIP_SOURCE, JS_STRIP_DEBUG. */
const STRIP_TEXT = 1 << 4
const STRIP_PLACES = 1 << 5
const NO_TEXT = Buffer.alloc(0)

/** What the program inside threw where it must not: the engine is out of memory, or its code is wrong. */
export class EngineThrew extends Error {
  override readonly name = 'EngineThrew'
  readonly value: Handle

  constructor(value: Handle) {
    super('an exception in the engine')
    this.value = value
  }
}

/** One instance of the engine, and the few things a host does with it. Synchronous. */
export class EngineCalls {
  readonly memory: GuestMemory
  readonly exports: EngineExports
  readonly gas: WebAssembly.Global<'i64'>
  readonly depth: WebAssembly.Global<'i32'>
  readonly outOfMemory: WebAssembly.Global<'i32'>
  readonly #globals: readonly WebAssembly.Global[]

  /** @throws {HostFault} if there is no room for another instance */
  constructor(engine: Engine, inputs: HostInputs) {
    let exports: WebAssembly.Exports
    try {
      const imports = makeImports(inputs, () => this)
      exports = new WebAssembly.Instance(engine.module, imports).exports
    } catch (cause) {
      throw new HostFault('no instance of the engine', { cause })
    }
    const named = (name: string): unknown => exports[name]
    this.exports = exports as unknown as EngineExports
    this.memory = new GuestMemory(
      named(INJECTED.memory) as WebAssembly.Memory,
      named(INJECTED.dirty) as WebAssembly.Memory,
    )
    this.gas = named(INJECTED.gas) as WebAssembly.Global<'i64'>
    this.depth = named(INJECTED.depth) as WebAssembly.Global<'i32'>
    this.outOfMemory = named(INJECTED.outOfMemory) as WebAssembly.Global<'i32'>
    this.#globals = engine.globals.map(({ exportName }) => named(exportName) as WebAssembly.Global)
  }

  readGlobals(): GlobalValues {
    return this.#globals.map(global => global.value as number | bigint)
  }

  /** Whether the globals have these very values. */
  hasGlobals(values: GlobalValues): boolean {
    const globals = this.#globals
    for (let index = 0; index < globals.length; index++) {
      if (!Object.is(globals[index]?.value, values[index])) return false
    }
    return true
  }

  writeGlobals(values: GlobalValues): void {
    const globals = this.#globals
    for (let index = 0; index < globals.length; index++) {
      const global = globals[index]
      if (global !== undefined) global.value = values[index]
    }
  }

  /** Room for bytes in the engine's heap. @throws {EngineThrew} if there is none */
  allocate(bytes: number): number {
    const pointer = this.exports.wasm_malloc(bytes)
    if (pointer === 0) throw new EngineThrew(0)
    return pointer
  }

  /** Text with a closing zero, for calls that take a name. */
  name(text: string): number {
    const bytes = Buffer.from(`${text}\0`)
    const pointer = this.allocate(bytes.length)
    this.memory.write(pointer, bytes, 'name')
    return pointer
  }

  property(object: Handle, name: string): Handle {
    const pointer = this.name(name)
    const value = this.exports.qjs_get_prop_string(object, pointer)
    this.exports.wasm_free(pointer)
    return value
  }

  setProperty(object: Handle, name: string, value: Handle): void {
    const pointer = this.name(name)
    this.exports.qjs_set_prop_string(object, pointer, value)
    this.exports.wasm_free(pointer)
  }

  /** A function of the host by its name, as `host_call` gets it. */
  hostFunction(name: string): Handle {
    const pointer = this.name(name)
    const made = this.exports.qjs_new_host_function(pointer, Buffer.byteLength(name), 0)
    this.exports.wasm_free(pointer)
    return made
  }

  /**
   * Compiles a script without keeping its text; with `strip`, without its places too. Gives the code, copied out.
   * @throws {EngineThrew}
   */
  compile(source: Uint8Array, name: string, strip: 'text' | 'places'): Uint8Array {
    const { exports, memory } = this
    const pointer = this.place(source)
    const file = this.name(name)
    const lengthAt = this.allocate(4)
    const flags = strip === 'text' ? STRIP_TEXT : STRIP_TEXT | STRIP_PLACES
    const code = exports.qjs_compile(pointer, source.length, file, 0, flags, lengthAt)
    if (code === 0) throw new EngineThrew(exports.qjs_get_exception())
    const length = this.#uint32(lengthAt)
    return memory.read(code, length, 'code').slice()
  }

  /** Runs compiled code and gives its value. @throws {EngineThrew} */
  evaluate(code: Uint8Array): Handle {
    const pointer = this.place(code)
    const value = this.exports.qjs_eval_bytecode(pointer, code.length)
    this.exports.wasm_free(pointer)
    return this.checked(value)
  }

  /** Bytes in the engine's heap, with a zero behind them. */
  place(bytes: Uint8Array): number {
    const pointer = this.allocate(bytes.length + 1)
    this.memory.write(pointer, bytes, 'place')
    this.memory.write(pointer + bytes.length, Uint8Array.of(0), 'place')
    return pointer
  }

  /** The value itself. @throws {EngineThrew} if it stands for an exception */
  checked(value: Handle): Handle {
    if (value === 0) throw new EngineThrew(0)
    if (this.exports.qjs_is_exception(value) === 0) return value
    throw new EngineThrew(this.exports.qjs_get_exception())
  }

  /** Runs jobs until there are none. @throws {EngineThrew} */
  runJobs(): boolean {
    const { exports } = this
    if (exports.qjs_is_job_pending() === 0) return false
    do {
      if (exports.qjs_execute_pending_job() < 0) throw new EngineThrew(exports.qjs_get_exception())
    } while (exports.qjs_is_job_pending() !== 0)
    return true
  }

  /** Where the engine keeps an object. */
  addressOf(object: Handle): number {
    // A value is a box whose first word is the address.
    return this.#uint32(object)
  }

  /** The number by which the engine knows a name, kept for good. */
  nameNumber(text: string): number {
    const { exports } = this
    const pointer = this.name(text)
    const number = exports.JS_NewAtom(exports.qjs_get_context_ptr(), pointer)
    exports.wasm_free(pointer)
    return number
  }

  /** A string of `length` bytes at `at`, kept for good; gives the address of its content's place. */
  newText(at: number, length: number): number {
    return this.addressOf(this.checked(this.exports.qjs_new_string(at, length)))
  }

  /** The same for a buffer. `lengthAt` is room for four bytes. */
  newBuffer(at: number, length: number, lengthAt: number): number {
    const { exports } = this
    return exports.qjs_get_array_buffer(this.checked(exports.qjs_new_array_buffer(at, length)), lengthAt)
  }

  #uint32(at: number): number {
    return this.memory.readUint32(at, 'length')
  }

  /** The UTF-8 bytes of a string, copied out. `lengthAt` is room for four bytes. */
  text(value: Handle, lengthAt: number): Buffer {
    const { exports, memory } = this
    const pointer = exports.qjs_get_string_len(value, lengthAt)
    if (pointer === 0) return NO_TEXT
    const length = this.#uint32(lengthAt)
    const bytes = Buffer.from(memory.read(pointer, length, 'text'))
    exports.qjs_free_cstring(pointer)
    return bytes
  }
}
