import { Buffer } from 'node:buffer'
import type {
  AgentModule,
  GuestFactory,
  GuestSnapshot,
  ProcessDescription,
} from '../../protocol/index.ts'
import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import { ChunkStore } from '../actor/chunk-store.ts'
import { encodeGlobals, type GlobalType } from '../actor/engine-state.ts'
import { engine } from './engine.ts'
import { type AgentHome, AgentGuest } from './guest.ts'
import { type Image, instanceOf } from './image.ts'
import type { Machine } from './machine.ts'
import { Positions } from './positions.ts'

/** Instances of one module kept, one for each size of memory in use. */
const INSTANCES_MAX = 8

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/** An instance, and the agent whose state stands in its memory. */
interface Seat {
  readonly machine: Machine
  guest: AgentGuest | undefined
}

/**
 * One loaded module and its agents.
 *
 * 1. A memory cannot shrink, so instances are kept by size.
 * 2. The memory of an instance is the image, with the chunks of its seated agent laid over it, and nothing else,
 *    whenever no run is open. The dirty map is then clear.
 */
export class AgentFactory implements GuestFactory, AgentHome {
  readonly image: GuestSnapshot
  readonly module: AgentModule
  readonly positions: Positions
  readonly base: Image
  readonly globalTypes: readonly GlobalType[]
  readonly store = new ChunkStore()
  /** By size in pages; the most recently made last. */
  readonly #seats = new Map<number, Seat>()

  constructor(module: AgentModule, base: Image) {
    this.module = module
    this.base = base
    this.positions = new Positions(module.map)
    this.globalTypes = engine().globals.map(({ type }) => type)
    this.image = {
      pages: base.pages,
      chunks: base.chunks,
      engine: encodeGlobals(this.globalTypes, base.globals),
    }
  }

  open(process: ProcessDescription, snapshot?: GuestSnapshot): AgentGuest {
    return new AgentGuest(process, this, snapshot)
  }

  imageChunk(index: number): Uint8Array {
    return this.base.chunks.get(index) ?? ZEROES
  }

  isImageChunk(index: number, bytes: Uint8Array): boolean {
    return Buffer.compare(this.imageChunk(index), bytes) === 0
  }

  pageIn(guest: AgentGuest): Machine {
    const seat = this.#seats.get(guest.pages) ?? this.#makeSeat(guest.pages)
    if (seat.guest !== guest) {
      if (seat.guest?.running === true)
        throw new Error('expected keep or discard before another run')
      this.#exchange(seat, guest)
      seat.guest = guest
    }
    return seat.machine
  }

  #exchange({ machine, guest: before }: Seat, next: AgentGuest): void {
    const { memory } = machine.calls
    if (before !== undefined) {
      for (const index of before.chunks.keys()) {
        if (!next.chunks.has(index)) memory.chunk(index).set(this.imageChunk(index))
      }
    }
    for (const [index, kept] of next.chunks) memory.chunk(index).set(kept.bytes)
    if (next.globals !== (before?.globals ?? this.base.globals))
      machine.calls.writeGlobals(next.globals)
  }

  #makeSeat(pages: number): Seat {
    const seat = { machine: instanceOf(this.base, pages), guest: undefined }
    this.#seats.set(pages, seat)
    for (const [size, { guest }] of this.#seats) {
      if (this.#seats.size <= INSTANCES_MAX) break
      if (guest?.running !== true) this.#seats.delete(size)
    }
    return seat
  }

  resized(machine: Machine): void {
    const guest = this.#leave(machine)
    this.#seats.set(machine.calls.memory.pages, { machine, guest })
  }

  drop(machine: Machine): void {
    this.#leave(machine)
  }

  #leave(machine: Machine): AgentGuest | undefined {
    for (const [pages, seat] of this.#seats) {
      if (seat.machine !== machine) continue
      this.#seats.delete(pages)
      return seat.guest
    }
    return undefined
  }

  forget(guest: AgentGuest): void {
    const seat = this.#seats.get(guest.pages)
    if (seat?.guest !== guest) return
    for (const index of guest.chunks.keys())
      seat.machine.calls.memory.chunk(index).set(this.imageChunk(index))
    seat.machine.calls.writeGlobals(this.base.globals)
    seat.guest = undefined
  }

  close(): void {
    this.#seats.clear()
  }
}
