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

/** Instances kept, of all modules together: each takes some megabytes, and is made again in less than a millisecond. */
const INSTANCES_MAX = 64

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/** An instance, and the agent whose state stands in its memory. */
interface Seat {
  readonly machine: Machine
  guest: AgentGuest | undefined
}

/** All seats of this program and whose they are; the one that was least recently given to another agent first. */
const allSeats = new Map<Seat, AgentFactory>()

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
      allSeats.delete(seat)
      allSeats.set(seat, this)
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
    this.#add(pages, seat)
    for (const [oldest, home] of allSeats) {
      if (allSeats.size <= INSTANCES_MAX) break
      if (oldest !== seat && oldest.guest?.running !== true) home.drop(oldest.machine)
    }
    return seat
  }

  #add(pages: number, seat: Seat): void {
    const before = this.#seats.get(pages)
    if (before !== undefined) allSeats.delete(before)
    this.#seats.set(pages, seat)
    allSeats.set(seat, this)
  }

  resized(machine: Machine): void {
    const guest = this.#leave(machine)
    this.#add(machine.calls.memory.pages, { machine, guest })
  }

  drop(machine: Machine): void {
    this.#leave(machine)
  }

  #leave(machine: Machine): AgentGuest | undefined {
    for (const [pages, seat] of this.#seats) {
      if (seat.machine !== machine) continue
      this.#seats.delete(pages)
      allSeats.delete(seat)
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
    for (const seat of this.#seats.values()) allSeats.delete(seat)
    this.#seats.clear()
  }
}
