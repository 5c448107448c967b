import { Buffer } from 'node:buffer'
import { FRAME_SLOTS_MAX, HostFault } from '../../protocol/index.ts'
import type { GlobalValues } from '../actor/engine-state.ts'
import { GuestStop } from '../actor/guest-stop.ts'
import { ChunkList } from './chunk-list.ts'
import { engine } from './engine.ts'
import { EngineCalls, EngineThrew } from './engine-calls.ts'
import type { HostInputs, SlotCalls } from './engine-imports.ts'
import type { Delivery } from './delivery.ts'
import { bootPrelude, type Entry } from './entry.ts'
import { fillHoles } from './fill-holes.ts'
import { beginSlabs, fillSlabs, type Slabs } from './fill-slabs.ts'
import { ENGINE_LIMITS } from './guest/engine-limits.ts'
import { ARGUMENTS_AT, MessageMaker, TEXT_AT } from './message-maker.ts'
import { readRoutes, type Routes } from './routes.ts'
import { plainJson } from './values/plain-json.ts'
import { hasCalledNothing, laterOf, type Told, type Trap } from './trap.ts'

/** The C stack takes the first MiB of memory and grows down; between runs nothing on it means anything. */
export const STACK_BYTES = 1024 * 1024
/** JavaScript frames may take this much of it: beyond, the program gets a RangeError. */
const SCRIPT_STACK_BYTES = 256 * 1024
const LENGTH_AT = TEXT_AT - 16
/** Text of which fillings are made. */
const FILLING = 0x61
const FILLING_BYTES = 512
/** What it may cost to have the program tell of an exception, or where code stopped; nobody is charged. It ends by itself, unless the program bent its engine. */
const TELLING_GAS = 20_000_000n
/** Free space at the end of an image. A process that grows its memory has an instance of its own from then on; one that does little needs not. */
const ROOM_BYTES = 256 * 1024
/** What a process may allocate before the first collection. */
const COLLECT_AFTER_BYTES = 4 * 1024 * 1024

/** While no slot runs, nothing can be had and nobody pays. */
export const NO_SLOT: SlotCalls = {
  random: () => 0,
  child: () => '',
  log: () => undefined,
  looked: () => undefined,
  handed: () => undefined,
}

/** One instance: runs code on whatever state stands in its memory. */
export class Machine {
  readonly calls: EngineCalls
  readonly inputs: HostInputs
  /** JSON of the reply that the run which is under way gave last, if the host wrote it; valid until the next is written. */
  reply: Uint8Array | undefined
  /** Steps begun in the run that is under way. */
  steps = 0
  /** Chunks stored to, ascending, as last counted: the first `dirtyCount` entries. */
  readonly dirty: number[] = []
  dirtyCount = 0
  /** Chunks that runs changed which were kept and not settled: what the seated agent has to take over. */
  readonly unsettled = new ChunkList()
  readonly #messages: MessageMaker
  #rejections: {
    readonly promise: number
    readonly reason: number
    readonly isHandled: boolean
  }[] = []
  /** Whose code runs, and where it stood when it was interrupted. */
  #running: Entry | undefined
  #interruptedAt: string | undefined

  constructor() {
    this.inputs = {
      nowMs: 0,
      gasReserve: 0n,
      interrupting: () => this.#noteInterrupted(),
      slot: NO_SLOT,
      part: name => this.#messages.part(name),
      write: (value, route) => this.#write(value, route),
      rejection: (promise, reason, isHandled) => {
        this.#rejections.push({ promise, reason, isHandled: isHandled !== 0 })
      },
    }
    this.calls = new EngineCalls(engine(), this.inputs)
    this.#messages = new MessageMaker(this.calls, this.inputs)
  }

  /** Starts the engine in fresh memory. */
  start(): void {
    const { exports } = this.calls
    exports._initialize()
    if (exports.qjs_init() !== 0) throw new Error('expected an engine that starts')
    exports.qjs_set_max_stack_size(SCRIPT_STACK_BYTES)
  }

  /** Runs the compiled prelude; gives its entry points. */
  boot(prelude: Uint8Array): Entry {
    return bootPrelude(this.calls, prelude)
  }

  /** Writes the JSON of a reply; says whether it did. Where a route is given it must be what that promises. */
  #write(value: number, route: number | undefined): boolean {
    if (this.#running === undefined) throw new Error('expected a run')
    const { plain, routes } = this.#running
    const form = route === undefined ? undefined : routes?.all[route]?.reply
    if (route !== undefined && form === undefined) return false
    this.reply = plainJson.write(this.calls.memory, plain, value, form)
    this.inputs.slot.looked(plainJson.looked)
    return this.reply !== undefined
  }

  /** Runs a compiled bundle and looks at what it defined; gives what is wrong, or what is known of it. @throws {EngineThrew} */
  load(code: Uint8Array, entry: Entry): string | Routes {
    const { calls } = this
    calls.exports.qjs_free_value(calls.evaluate(code))
    calls.runJobs()
    const problem = this.#call(entry.loaded, entry.nothing, []).toString('utf8')
    for (const { promise, reason } of this.#takeRejections()) {
      calls.exports.qjs_free_value(promise)
      calls.exports.qjs_free_value(reason)
    }
    if (problem !== '') return problem
    const routes = readRoutes(calls, entry, this.#call(entry.routesText, entry.nothing, []).toString('utf8'))
    if (routes === undefined) return 'its top level bends what messages are made of'
    this.#settle()
    return routes
  }

  /** Leaves nothing to collect. */
  collect(): void {
    this.calls.exports.qjs_run_gc()
  }

  /** Makes the heap what many processes begin with: nothing to collect, and free space in one piece. */
  #settle(): void {
    const { calls } = this
    this.collect()
    calls.memory.write(TEXT_AT, new Uint8Array(FILLING_BYTES).fill(FILLING), 'filling')
    const { exports } = calls
    const runtime = exports.qjs_get_runtime_ptr()
    const slabs: Slabs = {
      bytes: length => calls.newBuffer(TEXT_AT, length, LENGTH_AT),
      text: length => calls.newText(TEXT_AT, length),
      take: length => exports.js_malloc_rt(runtime, length),
      giveBack: address => exports.js_free_rt(runtime, address),
    }
    fillSlabs(slabs)
    fillHoles(bytes => calls.allocate(bytes))
    beginSlabs(slabs)
    calls.exports.wasm_free(calls.allocate(ROOM_BYTES))
    // A collection touches every object there is; what has no circles needs none.
    calls.exports.qjs_set_gc_threshold(calls.memory.bytes.length + COLLECT_AFTER_BYTES)
  }

  /** The value of compiled code, as text. @throws {EngineThrew} */
  value(code: Uint8Array): string {
    const { calls } = this
    const value = calls.evaluate(code)
    const text = calls.text(value, LENGTH_AT).toString('utf8')
    calls.exports.qjs_free_value(value)
    return text
  }

  /** What the program inside tells of an exception; nothing, if it bent what would tell it. @throws {HostFault} */
  told(thrown: unknown, entry: Entry): Told | undefined {
    if (!(thrown instanceof EngineThrew) || thrown.value === 0) return undefined
    this.calls.gas.value = TELLING_GAS
    try {
      const text = this.#call(entry.describe, entry.nothing, [thrown.value]).toString('utf8')
      const { code, message, stack } = JSON.parse(text) as Record<string, unknown>
      return { code: String(code), message: String(message), stack: String(stack) }
    } catch (failed) {
      if (!(failed instanceof SyntaxError)) this.#classify(failed)
      return undefined
    }
  }

  /** Runs one message to its end, step by step; gives effects, a line feed and the output. @throws as guests do */
  deliver(delivery: Delivery, entry: Entry): Buffer {
    const { calls } = this
    this.#rejections = []
    this.#running = entry
    this.#interruptedAt = undefined
    this.reply = undefined
    this.steps = 0
    if (entry.routes === undefined) throw new Error('expected a program')
    this.inputs.slot.looked(delivery.looked)
    let sealed = this.#taken(this.#messages.deliver(delivery, entry, entry.routes))
    for (;;) {
      const ranJobs = calls.runJobs()
      const wasRejected = this.#tellRejections(entry)
      if (sealed.length > 0 && !ranJobs && !wasRejected && !this.#letsGo()) return sealed
      this.steps += 1
      sealed = this.#call(entry.next, entry.nothing, [])
    }
  }

  /** Lets go of the message, at the end; says whether there are jobs that waited for just that. */
  #letsGo(): boolean {
    this.#messages.finish()
    return this.calls.exports.qjs_is_job_pending() !== 0
  }

  #tellRejections(entry: Entry): boolean {
    const { exports } = this.calls
    const rejections = this.#takeRejections()
    for (const { promise, reason, isHandled } of rejections) {
      this.#call(entry.rejected, entry.nothing, [promise, reason, isHandled ? entry.yes : entry.no])
      exports.qjs_free_value(promise)
      exports.qjs_free_value(reason)
    }
    return rejections.length > 0
  }

  #takeRejections() {
    const taken = this.#rejections
    if (taken.length > 0) this.#rejections = []
    return taken
  }

  /** Calls a function; gives the bytes of the string it returns, or none. */
  #call(code: number, self: number, values: readonly number[]): Buffer {
    const { exports, memory } = this.calls
    for (let index = 0; index < values.length; index++) {
      memory.writeUint32(ARGUMENTS_AT + 4 * index, values[index] ?? 0, 'arguments')
    }
    return this.#taken(exports.qjs_call(code, self, values.length, ARGUMENTS_AT))
  }

  /** The bytes of the string that a call returned, or none. @throws {EngineThrew} */
  #taken(returned: number): Buffer {
    const { calls } = this
    const result = calls.checked(returned)
    const isNothing = calls.exports.qjs_is_undefined(result) !== 0
    const text = isNothing ? EMPTY : calls.text(result, LENGTH_AT)
    calls.exports.qjs_free_value(result)
    return text
  }

  /**
   * Says how code stopped that did not come back, and where: its frames still lie on the stack, so what is called now sees them below
   * it. Texts are ours: the engine's own change between its versions. The state is of no use afterwards.
   * @throws {HostFault} if the host failed, not the guest
   */
  explain(thrown: unknown, entry: Entry): Trap {
    const code = this.#classify(thrown)
    const told = this.told(thrown, entry)
    if (told === undefined) return { code, message: ENGINE_LIMITS[code], stack: this.#stack(entry) }
    const { stack } = told
    if (told.code === 'out-of-gas')
      return { ...told, code: 'out-of-gas', stack: laterOf(this.#interruptedAt ?? '', stack) }
    if (told.code === 'stack-overflow' || told.code === 'memory-limit') return { ...told, code: told.code }
    return { code: 'trap', message: `${ENGINE_LIMITS.trap}: ${told.message}`, stack }
  }

  /** The engine itself says where a loop is by the condition before it. Its frame knows the last call in it, if there was one. */
  #noteInterrupted(): void {
    const { gas, depth } = this.calls
    const [leftGas, leftDepth] = [gas.value, depth.value]
    const stack = this.#running === undefined ? '' : this.#stack(this.#running)
    if (stack !== '' && !hasCalledNothing(stack)) this.#interruptedAt = stack
    gas.value = leftGas
    depth.value = leftDepth
  }

  #stack(entry: Entry): string {
    this.calls.gas.value = TELLING_GAS
    try {
      return this.#call(entry.where, entry.nothing, []).toString('utf8')
    } catch (thrown) {
      this.#classify(thrown)
      return ''
    }
  }

  #classify(thrown: unknown): Trap['code'] {
    const { calls } = this
    const depth = calls.depth.value
    calls.depth.value = 0
    if (calls.outOfMemory.value !== 0) throw new HostFault('no memory for an agent', { cause: thrown })
    if (thrown instanceof EngineThrew) return 'memory-limit'
    if (thrown instanceof GuestStop) return thrown.code === 'out-of-gas' ? 'out-of-gas' : 'trap'
    if (thrown instanceof WebAssembly.RuntimeError) {
      if (calls.gas.value < 0n) return 'out-of-gas'
      return depth > FRAME_SLOTS_MAX ? 'stack-overflow' : 'trap'
    }
    if (thrown instanceof RangeError) throw new HostFault('the engine failed', { cause: thrown })
    throw thrown
  }

  /** Looks which chunks were stored to since the map was cleared; gives their number. */
  countDirty(): number {
    this.dirtyCount = this.calls.memory.dirtyChunks(this.dirty)
    return this.dirtyCount
  }

  readChangedGlobals(known: GlobalValues): GlobalValues {
    return this.calls.hasGlobals(known) ? known : this.calls.readGlobals()
  }
}

const EMPTY = Buffer.alloc(0)
