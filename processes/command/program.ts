import { FRAME_SLOTS_MAX, HostFault } from '../../protocol/index.ts'
import { INJECTED } from '../rewriter/index.ts'
import type { FileTree } from './files/file-tree.ts'
import { type GasMeter, outOfGas } from './gas-meter.ts'
import { ProgramExit, ProgramStop } from './program-stop.ts'
import { RandomStream } from './random-stream.ts'
import { memoryCost } from './wasi/call-costs.ts'
import { closedText, environmentOf, SlotClock, type WasiHost } from './wasi/host.ts'
import { wasiImports } from './wasi/index.ts'
import { OpenFiles } from './wasi/open-files.ts'
import { ProgramMemory } from './wasi/program-memory.ts'

/** All that goes into one run of a program. */
export interface ProgramRun {
  readonly stdin: Uint8Array
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly tree: FileTree
  readonly timestampMs: number
  readonly gas: GasMeter
  /** Bytes from which all randomness of the run follows; taken if the program asks. */
  seed(): Uint8Array
}

/** What came of it, besides changed files. */
export interface ProgramEnd {
  readonly exit: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** Why it did not come to an exit by itself. */
  readonly stop: ProgramStop | undefined
}

/** How programs of one module are run. */
export interface Engine {
  /** @throws {HostFault} */
  run(run: ProgramRun): ProgramEnd
  close(): void
}

/**
 * Runs programs in the host itself, each time in a new instance: nothing of an earlier run is left, so a
 * program may change its tables and drop its data segments as it likes.
 */
export class DirectEngine implements Engine {
  readonly #module: WebAssembly.Module
  readonly #startCost: number

  /** `startCost`: gas of an instance, but for its memory. */
  constructor(module: WebAssembly.Module, startCost: number) {
    this.#module = module
    this.#startCost = startCost
  }

  run(run: ProgramRun): ProgramEnd {
    const files = new OpenFiles(run.tree, run.stdin)
    let memory: ProgramMemory | undefined
    let random: RandomStream | undefined
    const host: WasiHost = {
      get memory() {
        if (memory === undefined) throw new Error('expected an instance before a call')
        return memory
      },
      tree: run.tree,
      files,
      args: run.args.map(closedText),
      env: environmentOf(run.env),
      clock: new SlotClock(run.timestampMs),
      random: length => {
        random ??= new RandomStream(run.seed())
        return random.next(length)
      },
      charge: run.gas.charge,
    }
    const exports = instantiate(this.#module, wasiImports(host))
    const linear = exports[INJECTED.memory] as WebAssembly.Memory
    run.gas.charge(this.#startCost + memoryCost(linear))
    memory = new ProgramMemory(linear)
    run.gas.lend(exports[INJECTED.gas] as WebAssembly.Global<'i64'>)
    const ended = callMain(exports, run.gas)
    run.gas.takeBack()
    return { ...ended, stdout: files.stdout.bytes(), stderr: files.stderr.bytes() }
  }

  close(): void {
    // The module goes with this object.
  }
}

function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(module, imports).exports
  } catch (cause) {
    throw new HostFault('no instance of a program', { cause })
  }
}

function callMain(exports: WebAssembly.Exports, gas: GasMeter): { exit: number; stop: ProgramStop | undefined } {
  const functionOf = (name: string) => exports[name] as (() => void) | undefined
  try {
    functionOf(INJECTED.start)?.()
    functionOf('_start')?.()
    return { exit: 0, stop: gas.left < 0n ? outOfGas() : undefined }
  } catch (error) {
    const outOfMemory = (exports[INJECTED.outOfMemory] as WebAssembly.Global<'i32'>).value
    if (outOfMemory !== 0) throw new HostFault('no memory for a program', { cause: error })
    if (gas.left < 0n) return { exit: 0, stop: outOfGas() }
    if (error instanceof ProgramExit) return { exit: error.status, stop: undefined }
    const depth = (exports[INJECTED.depth] as WebAssembly.Global<'i32'>).value
    return { exit: 0, stop: stopOf(error, depth) }
  }
}

/** Texts of the engine differ between its versions, so they never get into a result. @throws {HostFault} */
function stopOf(error: unknown, depth: number): ProgramStop {
  if (error instanceof ProgramStop) return error
  if (error instanceof WebAssembly.RuntimeError) {
    if (depth > FRAME_SLOTS_MAX) return new ProgramStop('stack-overflow', 'calls nested too deep')
    return new ProgramStop('trap', 'the program trapped')
  }
  if (error instanceof RangeError) throw new HostFault('the engine failed', { cause: error })
  throw error
}
