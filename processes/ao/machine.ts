import { HostFault } from '../../protocol/index.ts'
import { INJECTED } from '../rewriter/index.ts'
import { GuestFault } from './faults.ts'
import type { AoFormat } from './formats.ts'
import { GuestMemory } from './guest-memory.ts'
import type { AoHost, SlotInputs } from './host.ts'
import { makeImports } from './imports.ts'
import { LineLog } from './line-log.ts'
import type { PreparedModule } from './prepared.ts'
import { ScratchFiles } from './scratch-files.ts'
import type { RawWord, UnwindPoint } from './unwind.ts'

/** A compiled module: what instances are made of. */
export interface LoadedModule {
  readonly module: WebAssembly.Module
  readonly imports: readonly { readonly module: string; readonly name: string }[]
  readonly prepared: PreparedModule
  readonly format: AoFormat
}

type Exported = (...args: readonly RawWord[]) => RawWord | undefined
type NumberGlobal = WebAssembly.Global & { value: number }
type BigGlobal = WebAssembly.Global & { value: bigint }
type AnyGlobal = WebAssembly.Global & { value: RawWord }

/** Part of the guest's stack that the two texts of a call may take; longer ones go to its heap. */
const STACK_SHARE = 4
/** Stack assumed where a module does not tell. */
const STACK_UNKNOWN_BYTES = 1024 * 1024

const IDLE: SlotInputs = {
  timestampMs: 0,
  random: length => new Uint8Array(length),
  log: () => undefined,
}

/** One instance of a module, with its host imports. */
export class Machine implements AoHost {
  readonly format: AoFormat
  readonly memory: GuestMemory
  /** Values outside memory, in order of their index. */
  readonly globals: readonly AnyGlobal[]
  readonly gas: BigGlobal
  readonly depth: NumberGlobal
  readonly #outOfMemory: NumberGlobal
  readonly #exports: WebAssembly.Exports
  readonly #unwind: UnwindPoint
  slot: SlotInputs = IDLE
  tempRet = 0
  #lines: LineLog
  /** Made when first asked for: few slots do. */
  #files: ScratchFiles | undefined

  constructor(loaded: LoadedModule) {
    const { prepared } = loaded
    this.format = loaded.format
    this.#lines = new LineLog(IDLE.log)
    this.#exports = this.#instantiate(loaded)
    this.globals = prepared.globals.map(({ exportName }) => this.#global(exportName) as AnyGlobal)
    this.gas = this.#global(INJECTED.gas) as BigGlobal
    this.depth = this.#global(INJECTED.depth) as NumberGlobal
    this.#outOfMemory = this.#global(INJECTED.outOfMemory) as NumberGlobal
    this.memory = new GuestMemory({
      memory: this.#memory(INJECTED.memory),
      dirty: this.#memory(INJECTED.dirty),
      addressBits: this.format.addressBits,
    })
    this.#unwind = this.#makeUnwindPoint()
  }

  get files(): ScratchFiles {
    this.#files ??= new ScratchFiles({
      random: length => this.slot.random(length),
      print: bytes => this.print(bytes),
    })
    return this.#files
  }

  /** The engine could not give memory that the rules allow. */
  get ranOutOfMemory(): boolean {
    return this.#outOfMemory.value !== 0
  }

  /** Where the stack ends and where it stands: what lies between is dead. */
  get deadStack(): { readonly from: number; readonly to: number } | undefined {
    const end = this.#find('emscripten_stack_get_end')
    return end === undefined ? undefined : { from: Number(end()), to: Number(this.#unwind.stackSave()) }
  }

  /** Makes ready for a slot. */
  begin(slot: SlotInputs, gas: bigint): void {
    this.slot = slot
    this.gas.value = gas
    this.depth.value = 0
    this.#outOfMemory.value = 0
    this.tempRet = 0
    this.#lines = new LineLog(line => slot.log(line))
    this.#files = undefined
  }

  /** Runs what the loader of the format runs before the first message. @throws as guests do */
  boot(): void {
    this.#find(INJECTED.start)?.()
    this.#find('emscripten_stack_init')?.()
    this.#call('__wasm_call_ctors')
    if (!this.format.runsMain) return
    try {
      this.#find('main')?.(0, 0)
    } catch (error) {
      // Leaving main through exit is how these programs end their start.
      if (!(error instanceof GuestFault && error.code === 'exit')) throw error
    }
  }

  /** Calls `handle` with two texts; gives its text. @throws as guests do */
  handle(message: Uint8Array, environment: Uint8Array, maxBytes: number): Uint8Array {
    const { stackSave, stackRestore } = this.#unwind
    const stack = stackSave()
    const size = message.length + environment.length + 2
    const onStack = size <= this.#stackFree() / STACK_SHARE
    const place = (text: Uint8Array) => this.#place(text, onStack)
    const addresses = [place(message), place(environment)]
    const result = this.#call('handle', ...addresses.map(address => this.#raw(address)))
    const output = this.memory.readString(Number(result), maxBytes).slice()
    if (!onStack) for (const address of addresses) this.#find('free')?.(this.#raw(address))
    stackRestore(stack)
    this.#lines.end()
    return output
  }

  charge(gas: number): void {
    const left = this.gas.value - BigInt(gas)
    this.gas.value = left
    if (left < 0n) throw new GuestFault('out-of-gas', 'out of gas')
  }

  grow(pages: number): boolean {
    return Number(this.#call(INJECTED.grow, this.#raw(pages))) >= 0
  }

  /** Grows memory to the size of a state that is brought in: by no rule, and for no gas. */
  addPages(pages: number): void {
    if (pages <= 0) return
    const grown = this.#memory(INJECTED.memory)
    try {
      grown.grow(this.#raw(pages) as number)
    } catch (error) {
      throw new HostFault('no memory for the state of a guest', { cause: error })
    }
  }

  setTempRet(value: number): void {
    this.tempRet = value
    const set = this.#find('_emscripten_tempret_set') ?? this.#find('setTempRet0')
    set?.(value)
  }

  allocate(bytes: number): number {
    const address = Number(this.#call('malloc', this.#raw(bytes)))
    if (address === 0) throw new GuestFault('abort', 'the program has no memory left for a message')
    return address
  }

  print(text: Uint8Array): void {
    this.#lines.write(text)
  }

  #place(text: Uint8Array, onStack: boolean): number {
    const address = onStack
      ? Number(this.#call(this.#stackAlloc, this.#raw(text.length + 1)))
      : this.allocate(text.length + 1)
    const target = this.memory.write(address, text.length + 1)
    target.set(text)
    target[text.length] = 0
    return address
  }

  get #stackAlloc(): string {
    return this.#find('_emscripten_stack_alloc') === undefined ? 'stackAlloc' : '_emscripten_stack_alloc'
  }

  #stackFree(): number {
    const dead = this.deadStack
    return dead === undefined ? STACK_UNKNOWN_BYTES : dead.to - dead.from
  }

  #raw(value: number): RawWord {
    return this.format.addressBits === 64 ? BigInt(value) : value
  }

  #instantiate(loaded: LoadedModule): WebAssembly.Exports {
    const imports = makeImports(loaded.imports, loaded.format, this, () => this.#unwind)
    try {
      return new WebAssembly.Instance(loaded.module, imports).exports
    } catch (error) {
      if (error instanceof RangeError) throw new HostFault('no memory for another guest', { cause: error })
      throw error
    }
  }

  #find(name: string): Exported | undefined {
    const value = this.#exports[name] ?? this.#exports[this.#letterOf(name) ?? '']
    return typeof value === 'function' ? (value as Exported) : undefined
  }

  #letterOf(name: string): string | undefined {
    const names = this.format.letters?.exports
    if (names === undefined) return undefined
    for (const [letter, meaning] of names) if (meaning === name) return letter
    return undefined
  }

  #call(name: string, ...args: readonly RawWord[]): RawWord | undefined {
    const call = this.#find(name)
    if (call === undefined) throw new GuestFault('trap', `the module does not export ${name}`)
    return call(...args)
  }

  #global(name: string): WebAssembly.Global {
    const value = this.#exports[name]
    if (value instanceof WebAssembly.Global) return value
    throw new TypeError(`expected the rewriter's global ${name}`)
  }

  #memory(name: string): WebAssembly.Memory {
    const value = this.#exports[name]
    if (value instanceof WebAssembly.Memory) return value
    throw new TypeError(`expected the rewriter's memory ${name}`)
  }

  #makeUnwindPoint(): UnwindPoint {
    const either = (first: string, second: string): Exported => {
      const found = this.#find(first) ?? this.#find(second)
      return found ?? (() => this.#raw(0))
    }
    const table = this.#exports[INJECTED.table]
    const entries = new Map<number, Exported | undefined>()
    const entry = (index: number): Exported | undefined => {
      if (!(table instanceof WebAssembly.Table) || index >= table.length) return undefined
      if (!entries.has(index)) entries.set(index, (table.get(index) as Exported | null) ?? undefined)
      return entries.get(index)
    }
    const dynamic = new Map<string, Exported | undefined>()
    return {
      stackSave: either('stackSave', 'emscripten_stack_get_current') as () => RawWord,
      stackRestore: either('stackRestore', '_emscripten_stack_restore'),
      setThrew: either('setThrew', 'setThrew'),
      one: this.#raw(1),
      depth: this.depth,
      callee: (signature, index) => {
        if (!dynamic.has(signature)) dynamic.set(signature, this.#find(`dynCall_${signature}`))
        const call = dynamic.get(signature)
        return call === undefined ? entry(index) : (...args) => call(index, ...args)
      },
    }
  }
}
