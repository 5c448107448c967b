import { Buffer } from 'node:buffer'
import { type AgentModule, CHUNK_SIZE_BYTES, type Failure, HostFault } from '../../protocol/index.ts'
import type { GlobalValues } from '../actor/engine-state.ts'
import { CHUNKS_PER_PAGE } from '../rewriter/index.ts'
import { engine } from './engine.ts'
import { keepForGood } from './for-good.ts'
import { gasReserveOf, LOAD_GAS } from './gas.ts'
import type { Entry } from './entry.ts'
import { Machine, NO_SLOT, STACK_BYTES } from './machine.ts'
import { refused } from './refusal.ts'
import { BUNDLE_NAME, Positions, PRELUDE_NAME } from './positions.ts'

/** Chunks of the stack: dead between runs, zero in every image and every kept state. */
export const STACK_CHUNKS = STACK_BYTES / CHUNK_SIZE_BYTES

/** The state that processes begin with: of the engine alone, or with a module's code on top. */
export interface Image {
  readonly pages: number
  /** All chunks that are not zero. Those a module did not touch are the engine's own. */
  readonly chunks: ReadonlyMap<number, Uint8Array>
  /** Chunks in which it differs from a fresh instance. */
  readonly overlay: ReadonlyMap<number, Uint8Array>
  readonly globals: GlobalValues
  readonly entry: Entry
}

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

let shared: Image | undefined

/** The engine with its prelude, before any program. */
function engineImage(): Image {
  shared ??= makeEngineImage()
  return shared
}

function makeEngineImage(): Image {
  const { prelude } = engine()
  try {
    const compiler = new Machine()
    compiler.calls.gas.value = LOAD_GAS
    compiler.start()
    const code = compiler.calls.compile(prelude, PRELUDE_NAME, 'places')
    const machine = new Machine()
    machine.calls.gas.value = LOAD_GAS
    machine.start()
    const entry = machine.boot(code)
    machine.collect()
    return capture(machine, undefined, entry)
  } catch (cause) {
    throw new HostFault('the engine of agents does not start', { cause })
  }
}

/**
 * Compiles a program in an engine of its own, which is thrown away: what compiling leaves in the heap is in nobody's
 * image. @throws {Failure} `module-refused`, naming the place
 */
function compile(code: string, positions: Positions): Uint8Array {
  const { machine, entry } = engineInstance()
  machine.calls.gas.value = LOAD_GAS
  try {
    return machine.calls.compile(Buffer.from(code), BUNDLE_NAME, 'text')
  } catch (thrown) {
    throw whyRefused(thrown, machine, entry, positions)
  }
}

/** A program loaded into fresh memory, and what it gave. @throws {Failure} `module-refused`, naming the place */
function loaded<T>(
  code: string,
  positions: Positions,
  run: (machine: Machine, code: Uint8Array, entry: Entry) => T,
): { readonly machine: Machine; readonly entry: Entry; readonly value: T } {
  const compiled = compile(code, positions)
  const { machine, entry } = engineInstance()
  machine.calls.gas.value = LOAD_GAS
  machine.inputs.gasReserve = gasReserveOf(LOAD_GAS)
  machine.inputs.slot = { ...NO_SLOT, random: sameRandom() }
  try {
    return { machine, entry, value: run(machine, compiled, entry) }
  } catch (thrown) {
    throw whyRefused(thrown, machine, entry, positions)
  }
}

/** Before there is a process there is no context: every process of a module sees the same. */
function sameRandom(): () => number {
  let random = 0
  return () => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
    return random
  }
}

/** A fresh instance of the engine, and its entry points. */
function engineInstance(): { readonly machine: Machine; readonly entry: Entry } {
  const base = engineImage()
  return { machine: instanceOf(base, base.pages), entry: base.entry }
}

/** An instance in the state of an image. */
export function instanceOf(image: Image, pages: number): Machine {
  const machine = new Machine()
  const { memory } = machine.calls
  try {
    memory.grow(pages - memory.pages)
  } catch (cause) {
    throw new HostFault('no memory for an agent', { cause })
  }
  for (const [index, bytes] of image.overlay) memory.chunk(index).set(bytes)
  machine.calls.writeGlobals(image.globals)
  return machine
}

/** The engine with a module's program loaded. @throws {Failure} `module-refused`, naming the place */
export function makeImage(module: AgentModule): Image {
  const {
    machine,
    entry,
    value: routes,
  } = loaded(module.code, new Positions(module.map), (fresh, code, entry) => fresh.load(code, entry))
  if (typeof routes === 'string') throw refused('definition', routes.slice(0, NOTE_MAX))
  if (machine.calls.gas.value < 0n) throw refused('out-of-gas', 'its top level does not end')
  return capture(machine, engineImage(), { ...entry, routes })
}

/**
 * Runs a script in an engine of its own, as agents run: nothing outside can be reached. Gives its value as text.
 * @throws {Failure} `module-refused`, naming the place in the files of `map`
 */
export function runScript(code: string, map?: unknown): string {
  return loaded(code, new Positions(map), (machine, compiled) => machine.value(compiled)).value
}

const NOTE_MAX = 1000

/** The failure of a program that cannot be loaded. @throws {HostFault} if the host failed, not the program */
function whyRefused(thrown: unknown, machine: Machine, entry: Entry, positions: Positions): Failure {
  const told = machine.told(thrown, entry)
  if (told === undefined || told.code === 'out-of-gas') {
    const { code, message, stack } = machine.explain(thrown, entry)
    return refused(code, positions.behind(`its top level: ${message}`, stack), thrown)
  }
  const rule = told.stack.includes('.js:') && told.code === 'threw' ? 'top-level' : told.code
  const note = told.message.slice(0, NOTE_MAX)
  return refused(rule, positions.behind(note, told.stack), thrown)
}

function capture(machine: Machine, base: Image | undefined, entry: Entry): Image {
  const { memory, exports } = machine.calls
  keepForGood(memory, exports.qjs_get_runtime_ptr())
  const dirty: number[] = []
  const count = memory.dirtyChunks(dirty)
  const overlay = new Map(base?.overlay)
  const chunks = new Map(base?.chunks)
  for (const index of dirty.slice(0, count)) {
    const now = memory.chunk(index)
    if (index < STACK_CHUNKS) now.fill(0)
    const before = base?.chunks.get(index) ?? ZEROES
    if (base !== undefined && Buffer.compare(now, before) === 0) continue
    const bytes = now.slice()
    overlay.set(index, bytes)
    chunks.set(index, bytes)
  }
  if (base === undefined) {
    for (let index = 0; index < memory.pages * CHUNKS_PER_PAGE; index++) {
      if (!chunks.has(index)) chunks.set(index, memory.chunk(index).slice())
    }
  }
  for (const [index, bytes] of chunks) if (Buffer.compare(bytes, ZEROES) === 0) chunks.delete(index)
  return { pages: memory.pages, chunks, overlay, globals: machine.calls.readGlobals(), entry }
}
