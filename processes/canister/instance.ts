import { HostFault, TooLong } from '../../protocol/index.ts'
import type { GlobalValues } from '../actor/engine-state.ts'
import { INJECTED } from '../rewriter/index.ts'
import { FRAME_SLOTS_MAX } from '../../protocol/index.ts'
import { bindSystemApi } from './calls/bind.ts'
import { CHUNK_GAS, type Host } from './calls/host.ts'
import { CanisterTrap } from './canister-trap.ts'
import type { CanisterCode } from './code.ts'
import type { Execution } from './execution.ts'
import { Heap } from './heap.ts'
import type { StableMemory } from './stable-memory.ts'

/** Who a canister is: what its system calls tell it. */
export interface CanisterNames {
  readonly self: Uint8Array
  readonly subnet: Uint8Array
  readonly rootKey: Uint8Array
}

/** How an execution ended, and the gas it took. */
export type ExecutionEnd = { readonly trap: CanisterTrap | undefined; readonly gas: bigint }

/** One WebAssembly instance of a canister's code, with whatever heap stands in it. */
export class CanisterInstance implements Host {
  readonly code: CanisterCode
  readonly heap: Heap
  /** Chunks that the last execution stored to, ascending; the first `dirtyCount` entries. */
  readonly dirty: number[] = []
  dirtyCount = 0
  readonly #globals: readonly WebAssembly.Global[]
  readonly #gas: WebAssembly.Global<'i64'>
  readonly #depth: WebAssembly.Global<'i32'>
  readonly #outOfMemory: WebAssembly.Global<'i32'>
  readonly #table: WebAssembly.Table | undefined
  readonly #exports: WebAssembly.Exports
  #names: CanisterNames
  #stable: StableMemory | undefined
  #execution: Execution | undefined
  /** Gas that the execution may use but has not been given yet. */
  #withheld = 0n
  /** Gas of the code alone that the last execution took, as far as it came. */
  used = 0n

  /** @throws {HostFault} if the engine gives no instance */
  constructor(code: CanisterCode) {
    this.code = code
    this.#names = { self: NO_BYTES, subnet: NO_BYTES, rootKey: NO_BYTES }
    this.#exports = instantiate(code, this)
    const named = (name: string): unknown => this.#exports[name]
    this.heap = new Heap(
      named(INJECTED.memory) as WebAssembly.Memory | undefined,
      named(INJECTED.dirty) as WebAssembly.Memory | undefined,
      code.is64,
    )
    this.#gas = named(INJECTED.gas) as WebAssembly.Global<'i64'>
    this.#depth = named(INJECTED.depth) as WebAssembly.Global<'i32'>
    this.#outOfMemory = named(INJECTED.outOfMemory) as WebAssembly.Global<'i32'>
    this.#table = named(INJECTED.table) as WebAssembly.Table | undefined
    this.#globals = code.globals.map(({ exportName }) => named(exportName) as WebAssembly.Global)
  }

  get execution(): Execution {
    if (this.#execution === undefined) throw new Error('a system call outside of an execution')
    return this.#execution
  }

  get stable(): StableMemory {
    if (this.#stable === undefined) throw new Error('a system call outside of an execution')
    return this.#stable
  }

  get self(): Uint8Array {
    return this.#names.self
  }

  get subnet(): Uint8Array {
    return this.#names.subnet
  }

  get rootKey(): Uint8Array {
    return this.#names.rootKey
  }

  instructions(): bigint {
    const { entry, gas } = this.execution
    return entry.gasLimit - this.#withheld - this.#gas.value + BigInt(gas)
  }

  charge(gas: number): void {
    const { execution } = this
    const { gasLimit } = execution.entry
    execution.gas += gas
    if (execution.gas > gasLimit) throw outOfGas()
    if (this.#withheld > 0n && execution.gas > gasLimit - this.#withheld) throw new TooLong()
  }

  /** @throws {HostFault} if the engine has no memory left */
  growTo(pages: number): void {
    try {
      this.heap.grow(pages - this.heap.pages)
    } catch (cause) {
      throw new HostFault('no memory for a canister', { cause })
    }
  }

  /**
   * Runs the start function, an export by name, or a callback by its place in the table.
   * @throws {TooLong} if it takes more than `patienceGas`, though its own gas allows it: whoever runs it gives this instance up
   */
  run(
    what: 'start' | string | readonly [fun: number, env: bigint],
    execution: Execution,
    names: CanisterNames,
    stable: StableMemory,
    patienceGas: bigint | undefined,
  ): ExecutionEnd {
    const { gasLimit } = execution.entry
    this.#withheld = patienceGas === undefined || patienceGas >= gasLimit ? 0n : gasLimit - patienceGas
    this.#execution = execution
    this.#names = names
    this.#stable = stable
    this.#gas.value = gasLimit - this.#withheld
    let trap: CanisterTrap | undefined
    try {
      if (what === 'start') this.#call(INJECTED.start)
      else if (typeof what === 'string') this.#call(what)
      else this.#callback(what)
    } catch (error) {
      trap = this.#trapOf(error)
    }
    this.#execution = undefined
    this.used = gasLimit - this.#withheld - this.#gas.value
    if (this.#withheld > 0n && this.#gas.value < 0n) throw new TooLong()
    this.dirtyCount = this.heap.dirtyChunks(this.dirty)
    return this.#ended(trap, execution)
  }

  #ended(trap: CanisterTrap | undefined, execution: Execution): ExecutionEnd {
    const { gasLimit } = execution.entry
    const left = this.#gas.value + (this.#gas.value < 0n ? 0n : this.#withheld)
    if (trap !== undefined) {
      this.heap.clearAllDirty()
      // What the code used before it trapped by itself is not known exactly; what it said in a call is.
      return {
        trap,
        gas:
          trap.error === 'IC0502' || left < 0n ? gasLimit : bounded(gasLimit - left + BigInt(execution.gas), gasLimit),
      }
    }
    const gas = left < 0n ? gasLimit + 1n : gasLimit - left + BigInt(execution.gas + this.dirtyCount * CHUNK_GAS)
    if (gas <= gasLimit) return { trap: undefined, gas }
    this.heap.clearAllDirty()
    return { trap: outOfGas(), gas: gasLimit }
  }

  #call(name: string): void {
    const found = this.#exports[name]
    if (typeof found !== 'function') throw new Error(`expected an export ${name}`)
    found()
  }

  #callback([fun, env]: readonly [fun: number, env: bigint]): void {
    const { is64 } = this.code
    let found: unknown
    try {
      found = (this.#table?.get as ((index: number | bigint) => unknown) | undefined)?.call(this.#table, fun)
    } catch (error) {
      found = error instanceof TypeError ? this.#wideEntry(fun) : undefined
    }
    if (typeof found !== 'function' || found.length !== 1)
      throw new CanisterTrap(`there is no callback ${fun} in the table`, 'IC0513')
    try {
      found(is64 ? BigInt.asIntN(64, env) : Number(env) | 0)
    } catch (error) {
      // Before its first instruction: an argument that the function does not take.
      const isUntouched = this.#gas.value === this.execution.entry.gasLimit - this.#withheld
      if (error instanceof TypeError && isUntouched)
        throw new CanisterTrap(`callback ${fun} has another type`, 'IC0513')
      throw error
    }
  }

  /** A table whose indexes are 64 bits wide. */
  #wideEntry(fun: number): unknown {
    try {
      return (this.#table?.get as ((index: bigint) => unknown) | undefined)?.call(this.#table, BigInt(fun))
    } catch {
      return undefined
    }
  }

  /** Texts of the engine differ between its versions, so they never get into a result. */
  #trapOf(error: unknown): CanisterTrap {
    const depth = this.#depth.value
    this.#depth.value = 0
    if (this.#outOfMemory.value !== 0) throw new HostFault('no memory for a canister', { cause: error })
    if (error instanceof CanisterTrap) return error
    if (error instanceof WebAssembly.RuntimeError) {
      if (this.#gas.value < 0n) return outOfGas()
      if (depth > FRAME_SLOTS_MAX) return new CanisterTrap('Canister trapped: stack overflow')
      return new CanisterTrap('Canister trapped')
    }
    if (error instanceof RangeError) throw new HostFault('the engine failed', { cause: error })
    throw error
  }

  readGlobals(): GlobalValues {
    return this.#globals.map(global => global.value as number | bigint)
  }

  /** `known` itself if the globals still have its values. */
  readChangedGlobals(known: GlobalValues): GlobalValues {
    const globals = this.#globals
    if (known.length !== globals.length) return this.readGlobals()
    for (let index = 0; index < globals.length; index++) {
      if (!Object.is(globals[index]?.value, known[index])) return this.readGlobals()
    }
    return known
  }

  writeGlobals(values: GlobalValues): void {
    for (const [index, global] of this.#globals.entries()) global.value = values[index]
  }
}

const NO_BYTES = new Uint8Array(0)

const bounded = (gas: bigint, max: bigint): bigint => (gas > max ? max : gas)

const outOfGas = (): CanisterTrap =>
  new CanisterTrap('Canister exceeded the limit of instructions for single message execution', 'IC0522')

function instantiate(code: CanisterCode, host: CanisterInstance): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(code.module, { ic0: bindSystemApi(code, host) }).exports
  } catch (cause) {
    throw new HostFault('no instance of a canister', { cause })
  }
}
