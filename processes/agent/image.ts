import { Buffer } from 'node:buffer'
import {
  type AgentModule,
  CHUNK_SIZE_BYTES,
  type Failure,
  HostFault,
} from '../../protocol/index.ts'
import type { GlobalValues } from '../actor/engine-state.ts'
import { CHUNKS_PER_PAGE } from '../actor/guest-memory.ts'
import { engine } from './engine.ts'
import { EngineThrew } from './engine-calls.ts'
import { LOAD_GAS } from './gas.ts'
import { type Entry, Machine, STACK_BYTES, type Trap } from './machine.ts'
import { refused } from './refusal.ts'
import { Positions } from './positions.ts'

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
  const machine = new Machine()
  const made = engine()
  machine.calls.gas.value = LOAD_GAS
  try {
    const entry = machine.boot(made)
    machine.calls.exports.qjs_run_gc()
    return capture(machine, undefined, entry)
  } catch (cause) {
    throw new HostFault('the engine of agents does not start', { cause })
  }
}

/** A fresh instance of the engine, and its entry points. */
export function engineInstance(): { readonly machine: Machine; readonly entry: Entry } {
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
  const base = engineImage()
  const machine = instanceOf(base, base.pages)
  machine.calls.gas.value = LOAD_GAS
  let random = 0
  machine.inputs.random = () => {
    // Before there is a process there is no context: every process of the module sees the same.
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
    return random
  }
  const positions = new Positions(module.map)
  let problem: string
  try {
    problem = machine.load(Buffer.from(module.code), base.entry)
  } catch (thrown) {
    throw whyRefused(thrown, machine, base.entry, positions)
  }
  if (problem !== '') throw refused('definition', problem)
  if (machine.calls.gas.value < 0n) throw refused('out-of-gas', 'its top level does not end')
  return capture(machine, base, base.entry)
}

/** The failure of a program that cannot be loaded. @throws {HostFault} if the host failed, not the program */
export function whyRefused(
  thrown: unknown,
  machine: Machine,
  entry: Entry,
  positions: Positions,
): Failure {
  if (thrown instanceof EngineThrew && thrown.value !== 0) {
    const told = JSON.parse(machine.describe(thrown.value, entry)) as {
      code: string
      message: string
      stack: string
    }
    const place = positions.ofStack(told.stack)
    const rule = told.stack.includes('.js:') && told.code === 'threw' ? 'top-level' : told.code
    return refused(rule, place === undefined ? told.message : `${told.message} (${place})`, thrown)
  }
  const trap: Trap = machine.classify(thrown)
  return refused(trap.code, `its top level: ${trap.message}`, thrown)
}

function capture(machine: Machine, base: Image | undefined, entry: Entry): Image {
  const { memory } = machine.calls
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
