import { COMMAND_FILES_SIZE_MAX_BYTES, FRAME_SLOTS_MAX } from '../../../protocol/index.ts'
import { INJECTED } from '../../rewriter/index.ts'
import { outOfGas } from '../gas-meter.ts'
import { ProgramStop } from '../program-stop.ts'
import { RandomStream } from '../random-stream.ts'
import { costOf, memoryCost } from '../wasi/call-costs.ts'
import { ERRNO } from '../wasi/errno.ts'
import { answer, type CallArgument, closedText, environmentOf, SlotClock, type WasiHost } from '../wasi/host.ts'
import { WASI_MODULE } from '../wasi/index.ts'
import { ProgramMemory } from '../wasi/program-memory.ts'
import { SYSTEM_CALLS } from '../wasi/system-calls.ts'
import { OpenDescriptors } from './open-descriptors.ts'
import { ENDED, type RunFacts } from './run-facts.ts'
import { WASIX_ANSWERED, WASIX_MODULE } from './wasix-calls.ts'
import { WorkFolder } from './work-folder.ts'

type Imported = (...args: CallArgument[]) => unknown

const ANSWERED = { ...SYSTEM_CALLS, ...WASIX_ANSWERED }
/** Bytes a run may have written in all: what is kept is checked afterwards, this bounds what lies in memory meanwhile. */
const WRITTEN_MAX_BYTES = 2 * COMMAND_FILES_SIZE_MAX_BYTES

/** Seeking this far costs no room. */
const HOLE_FREE_BYTES = 64 * 1024
/** What there is not, here as elsewhere; the runtime would make links, and then not list them. */
const LINK_CALLS = new Set(['path_link', 'path_symlink'])
const CREATE = 1
const SLASH = 0x2f
const STREAM_CALLS = new Set(['fd_read', 'fd_write', 'fd_pread', 'fd_pwrite'])
/** Parts of one call that are looked at; the runtime takes no more either. */
const PARTS_MAX = 1024

/**
 * An instance of a program that somebody else's runtime makes and starts, with our rules between the two:
 *
 *  1. Every call is charged before it acts, from the same table as everywhere, on the same gas counter.
 *  2. Time, randomness, arguments, environment and whatever names threads and processes are answered here.
 *  3. What is left to the runtime are files, as many open at once as everywhere. A program of plain WASI is shown one folder as its root.
 */
export class GuardedInstance {
  readonly #facts: RunFacts
  readonly #imports: WebAssembly.Imports
  readonly #folder: WorkFolder
  readonly #descriptors = new OpenDescriptors()
  #instance: WebAssembly.Instance | undefined
  #host: WasiHost | undefined
  #written = 0

  constructor(facts: RunFacts, imports: WebAssembly.Imports) {
    this.#facts = facts
    this.#imports = imports
    this.#folder = new WorkFolder(imports[WASI_MODULE] ?? {})
  }

  /** The imports with the rules around them. */
  guarded(): WebAssembly.Imports {
    const isPlain = this.#imports[WASIX_MODULE] === undefined
    const entries = Object.entries(this.#imports).map(([module, functions]) => {
      const guarded = Object.entries(functions).map(([name, carryOut]) => [
        name,
        typeof carryOut === 'function' ? this.#guard(name, carryOut as Imported, isPlain) : carryOut,
      ])
      return [module, Object.fromEntries(guarded)]
    })
    return Object.fromEntries(entries) as WebAssembly.Imports
  }

  adopt(instance: WebAssembly.Instance): void {
    const { args, env } = this.#facts.texts
    const random = new RandomStream(this.#facts.seed)
    const linear = instance.exports[INJECTED.memory] as WebAssembly.Memory
    this.#instance = instance
    this.#global(INJECTED.gas).value = this.#facts.gas - BigInt(memoryCost(linear))
    this.#host = {
      memory: new ProgramMemory(linear),
      args: args.map(closedText),
      env: environmentOf(env),
      clock: new SlotClock(this.#facts.timestampMs),
      random: length => random.next(length),
      charge: gas => this.#charge(gas),
      get tree(): never {
        throw new Error('expected no call on files')
      },
      get files(): never {
        throw new Error('expected no call on files')
      },
    }
  }

  /** Runs the program by `start`, and notes how that ended. */
  async run(start: () => unknown): Promise<unknown> {
    try {
      this.#charge(0)
      const first = this.#instance?.exports[INJECTED.start] as (() => void) | undefined
      first?.()
      const result = await start()
      this.#note(ENDED.returned)
      return result
    } catch (error) {
      this.#noteError(error)
      throw error
    }
  }

  #guard(name: string, carryOut: Imported, isPlain: boolean): Imported {
    const answered = Object.hasOwn(ANSWERED, name) ? ANSWERED[name as keyof typeof ANSWERED] : undefined
    return (...args) => {
      const host = this.#host
      if (host === undefined) throw new Error('expected an instance before a call')
      this.#charge(costOf(name, args, host.memory))
      if (name === 'proc_exit') {
        this.#facts.exit = Number(args[0] ?? 0) >>> 0
        this.#note(ENDED.exited)
        return carryOut(...args)
      }
      if (answered !== undefined) return answer(answered, host, args)
      if (LINK_CALLS.has(name)) return ERRNO.notSupported
      if (this.#isTooMuch(name, args, host.memory)) return ERRNO.noSpace
      if (makesFileOfFolder(name, args, host.memory)) return ERRNO.isFolder
      const carry = () => (isPlain ? this.#folder.call(name, args, carryOut, host.memory) : carryOut(...args))
      return this.#descriptors.call(name, args, carry, host.memory)
    }
  }

  /** A call that is refused writes nothing, so it does not count. */
  #isTooMuch(name: string, args: readonly CallArgument[], memory: ProgramMemory): boolean {
    const written = this.#written + bytesOf(name, args, memory)
    if (written > WRITTEN_MAX_BYTES) return true
    this.#written = written
    return false
  }

  #charge(gas: number): void {
    const global = this.#global(INJECTED.gas)
    global.value -= BigInt(gas)
    if (global.value < 0n) throw outOfGas()
  }

  #global(name: string): { value: bigint } {
    return this.#instance?.exports[name] as unknown as { value: bigint }
  }

  #note(ended: number): void {
    this.#facts.gas = this.#global(INJECTED.gas).value
    this.#facts.ended = ended
  }

  #noteError(error: unknown): void {
    if (this.#facts.ended === ENDED.exited) return
    // Out of gas is seen by the gas that is left, whatever ended the run.
    if (Number(this.#global(INJECTED.outOfMemory).value) !== 0) this.#note(ENDED.outOfMemory)
    else if (error instanceof ProgramStop) this.#note(ENDED.badAddress)
    else if (Number(this.#global(INJECTED.depth).value) > FRAME_SLOTS_MAX) this.#note(ENDED.tooDeep)
    else if (error instanceof WebAssembly.RuntimeError) this.#note(ENDED.trapped)
  }
}

/** Whether a call would make a file at a path that can only be one of a folder. */
function makesFileOfFolder(name: string, args: readonly CallArgument[], memory: ProgramMemory): boolean {
  if (name !== 'path_open' && name !== 'path_open2') return false
  const [at = 0, length = 0, how = 0] = args.slice(2, 5).map(value => Number(value) >>> 0)
  return (how & CREATE) !== 0 && length > 0 && memory.at(at + length - 1, 1)[0] === SLASH
}

/** What a call may have the runtime hold. */
function bytesOf(name: string, args: readonly CallArgument[], memory: ProgramMemory): number {
  let bytes = 0
  if (STREAM_CALLS.has(name)) {
    const count = Math.min(PARTS_MAX, Number(args[2]) >>> 0)
    for (let index = 0; index < count; index++) {
      const part = Number(args[1]) + index * 8
      // An address outside of memory ends the run, as it does everywhere.
      const { length } = memory.at(memory.u32(part), memory.u32(part + 4))
      if (name.endsWith('write')) bytes += length
    }
  }
  const isSized =
    name === 'fd_seek' || name === 'fd_pwrite' || name.startsWith('fd_allocate') || name === 'fd_filestat_set_size'
  if (!isSized) return bytes
  // A hole is written when it is made: the runtime keeps files whole.
  const sizes = args.filter(value => typeof value === 'bigint')
  return sizes.reduce((sum, size) => sum + Math.max(0, Number(size) - HOLE_FREE_BYTES), bytes)
}
