import {
  type Ending,
  type GuestContext,
  type GuestMessage,
  HostFault,
  type ProcessId,
  TooLong,
} from '../../protocol/index.ts'
import { INJECTED } from '../rewriter/index.ts'
import { HOST_MODULE } from './abi.ts'
import type { GlobalType, GlobalValues } from './engine-state.ts'
import { GuestMemory } from './guest-memory.ts'
import { GuestStop } from './guest-stop.ts'
import { HostCalls } from './host-calls.ts'
import { HOST_COSTS } from './host-costs.ts'
import { KeptGlobals } from './kept-globals.ts'
import type { MessageEncoder } from './message-layout.ts'

type GuestFunction = (length: number) => number

/** A compiled module with what is known of it. */
export interface CompiledModule {
  readonly module: WebAssembly.Module
  /** Export names and types of the mutable globals, in order of their index. */
  readonly globals: readonly { readonly exportName: string; readonly type: GlobalType }[]
  /** By which they are kept: see `KeptGlobals`. */
  readonly keptGlobals: WebAssembly.Module
  /** Gas of each chunk of memory that a run stored to. */
  readonly chunkCost: number
  readonly frameSlotsMax: number
}

/** One run of an instance: what goes in besides the memory. */
export interface Run {
  readonly self: ProcessId
  readonly message: GuestMessage
  readonly context: GuestContext
  readonly gasLimit: bigint
}

/** One WebAssembly instance: runs code on whatever state stands in its memory. */
export class Instance {
  readonly memory: GuestMemory
  /** Chunks that the last run stored to, ascending; the first `dirtyCount` entries. */
  readonly dirty: number[] = []
  dirtyCount = 0
  readonly #compiled: CompiledModule
  readonly #calls: HostCalls
  readonly #gas: WebAssembly.Global<'i64'>
  readonly #kept: KeptGlobals
  /** What the last run was given, as both: its limit, or less. */
  #given = 0n
  #givenNumber = 0
  readonly #depth: WebAssembly.Global<'i32'>
  readonly #outOfMemory: WebAssembly.Global<'i32'>
  readonly #inbox: GuestFunction
  readonly #handle: GuestFunction
  readonly #query: GuestFunction
  readonly #prelude: readonly (() => void)[]

  /** @throws {HostFault} if the engine gives no instance */
  constructor(compiled: CompiledModule) {
    this.#compiled = compiled
    this.#calls = new HostCalls(() => this.memory)
    const exports = instantiate(compiled.module, this.#calls)
    const named = (name: string): unknown => exports[name]
    this.memory = new GuestMemory(
      named(INJECTED.memory) as WebAssembly.Memory,
      named(INJECTED.dirty) as WebAssembly.Memory,
    )
    this.#gas = named(INJECTED.gas) as WebAssembly.Global<'i64'>
    this.#depth = named(INJECTED.depth) as WebAssembly.Global<'i32'>
    this.#outOfMemory = named(INJECTED.outOfMemory) as WebAssembly.Global<'i32'>
    const globals = compiled.globals.map(({ exportName }) => named(exportName) as WebAssembly.Global)
    this.#kept = new KeptGlobals(compiled.keptGlobals, this.#gas, globals)
    this.#inbox = named('inbox') as GuestFunction
    this.#handle = named('handle') as GuestFunction
    this.#query = (named('query') ?? named('handle')) as GuestFunction
    const prelude = [named(INJECTED.start), named('_initialize'), named('init')]
    this.#prelude = prelude.filter(step => step !== undefined) as (() => void)[]
  }

  /** Runs what a module does before its first message, in memory as instantiated; no host calls. */
  initialize(gasLimit: bigint): Ending {
    this.#begin(undefined, '', 0, gasLimit)
    return this.#guarded(gasLimit, () => {
      for (const step of this.#prelude) step()
      return 0
    })
  }

  /**
   * Runs one message. Afterwards `dirty` lists what it stored to, whatever the ending.
   * @throws {TooLong} if it takes more than the patience of its context, though its own limit allows it
   */
  run(run: Run, encoder: MessageEncoder): Ending {
    const { message, gasLimit, context } = run
    const { patienceGas } = context
    const isHurried = patienceGas !== undefined && patienceGas < gasLimit
    const bytes = encoder.encode(message)
    this.#begin(context, run.self, message.timestampMs, isHurried ? patienceGas : gasLimit)
    return this.#guarded(gasLimit, () => {
      const { length } = bytes
      this.#calls.charge(HOST_COSTS.deliver, length)
      this.memory.write(this.#inbox(length), bytes, 'inbox')
      return message.kind === 'query' ? this.#query(length) : this.#handle(length)
    })
  }

  #begin(context: GuestContext | undefined, self: ProcessId | '', nowMs: number, given: bigint): void {
    if (given !== this.#given) {
      this.#given = given
      this.#givenNumber = Number(given)
    }
    this.#calls.begin(context, self, nowMs, this.#givenNumber)
    this.#kept.setGas(this.#givenNumber)
  }

  #guarded(gasLimit: bigint, body: () => number): Ending {
    let code: number
    try {
      code = body()
    } catch (error) {
      this.#finish()
      this.memory.clearAllDirty()
      return this.#classify(error, gasLimit)
    }
    this.#finish()
    const gas = this.#gasUsed()
    if (gas > this.#given) return this.#exhausted(gasLimit)
    if (code !== 0) return failed(gas, 'abort', `the process returned ${code}`)
    return { status: 'ok', gas, output: this.#calls.output }
  }

  #finish(): void {
    this.#calls.end()
    this.dirtyCount = this.memory.dirtyChunks(this.dirty)
  }

  /** Gas of the guest's own code, of its host calls, and of the chunks it stored to. */
  #gasUsed(): bigint {
    return this.#kept.spent(this.#givenNumber, this.#calls.gas + this.dirtyCount * this.#compiled.chunkCost)
  }

  /**
   * Says how a run ended that threw. Texts of the engine differ between its versions, so they never
   * get into a result.
   */
  #classify(error: unknown, gasLimit: bigint): Ending {
    const depth = this.#depth.value
    this.#depth.value = 0
    if (this.#outOfMemory.value !== 0) throw new HostFault('no memory for a guest', { cause: error })
    if (error instanceof GuestStop) {
      if (error.code === 'out-of-gas') return this.#exhausted(gasLimit)
      if (error.code !== 'abort') return failed(gasLimit, error.code, error.message)
      const gas = this.#gasUsed()
      return gas > this.#given ? this.#exhausted(gasLimit) : failed(gas, 'abort', error.message)
    }
    if (error instanceof WebAssembly.RuntimeError) {
      if (this.#gas.value < 0n) return this.#exhausted(gasLimit)
      if (depth > this.#compiled.frameSlotsMax) {
        return failed(gasLimit, 'stack-overflow', 'calls nested too deep')
      }
      return failed(gasLimit, 'trap', 'the program trapped')
    }
    if (error instanceof RangeError) throw new HostFault('the engine failed', { cause: error })
    throw error
  }

  /** What was given is used up. @throws {TooLong} if the limit allows more */
  #exhausted(gasLimit: bigint): Ending {
    if (this.#given < gasLimit) throw new TooLong()
    return failed(gasLimit, 'out-of-gas', 'the gas limit was reached')
  }

  /** Values of the mutable globals now. */
  readGlobals(): GlobalValues {
    return this.#kept.read()
  }

  /** `known`, which was read or written last, if the globals still have its values; else what they are now, to go back to from now on. */
  keepGlobals(known: GlobalValues): GlobalValues {
    if (this.#kept.isChanged() === 0) return known
    this.#kept.keep()
    return this.#kept.read()
  }

  writeGlobals(values: GlobalValues): void {
    this.#kept.write(values)
  }

  /** The globals are again what was kept or written last. */
  restoreGlobals(): void {
    this.#kept.restore()
  }
}

function instantiate(module: WebAssembly.Module, calls: HostCalls): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(module, { [HOST_MODULE]: calls.imports }).exports
  } catch (cause) {
    throw new HostFault('no instance of a guest', { cause })
  }
}

const failed = (gas: bigint, code: string, message: string): Ending => ({
  status: 'error',
  gas,
  error: { code, message },
})
