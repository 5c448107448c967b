import { Buffer } from 'node:buffer'
import type { AgentModule, GuestFactory, GuestSnapshot, ProcessDescription } from '../../protocol/index.ts'
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
/** An agent that found another in its place this often gets an instance of its own, as long as there are not too many. */
const EXCHANGES_BEFORE_OWN = 4

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/** An instance, and the agent whose state stands in its memory. */
interface Seat {
  readonly machine: Machine
  readonly pages: number
  guest: AgentGuest | undefined
}

/** All seats of this program and whose they are; the one that was least recently used first. */
const allSeats = new Map<Seat, AgentFactory>()

/**
 * One loaded module and its agents.
 *
 * 1. A memory cannot shrink, so instances are kept by size.
 * 2. The memory of an instance is the image, with the chunks of its seated agent laid over it, and nothing else,
 *    whenever no run is open. The dirty map is then clear.
 * 3. Agents that run in turn have an instance each; those that run once in a while take the seat of another.
 */
export class AgentFactory implements GuestFactory, AgentHome {
  readonly image: GuestSnapshot
  readonly module: AgentModule
  readonly positions: Positions
  readonly base: Image
  readonly globalTypes: readonly GlobalType[]
  readonly store = new ChunkStore()
  /** The least recently used first. */
  readonly #seats = new Set<Seat>()
  readonly #seated = new Map<AgentGuest, Seat>()

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
    let seat = this.#seated.get(guest)
    if (seat === undefined) {
      seat = this.#seatFor(guest)
      this.#exchange(seat, guest)
    }
    this.#used(seat)
    return seat.machine
  }

  /** The seat that was longest out of use, or a new one. */
  #seatFor(guest: AgentGuest): Seat {
    const shares = guest.exchanges < EXCHANGES_BEFORE_OWN || allSeats.size >= INSTANCES_MAX
    for (const seat of shares ? this.#seats : []) {
      if (seat.pages !== guest.pages || seat.guest?.running === true) continue
      if (seat.guest !== undefined) guest.exchanges += 1
      return seat
    }
    return this.#makeSeat(guest.pages)
  }

  #used(seat: Seat): void {
    this.#seats.delete(seat)
    this.#seats.add(seat)
    allSeats.delete(seat)
    allSeats.set(seat, this)
  }

  #exchange(seat: Seat, next: AgentGuest): void {
    const { machine, guest: before } = seat
    const { memory } = machine.calls
    before?.settle()
    this.#seat(seat, next)
    if (before !== undefined) {
      for (const index of before.chunks.keys()) {
        if (!next.chunks.has(index)) memory.chunk(index).set(this.imageChunk(index))
      }
    }
    for (const [index, kept] of next.chunks) memory.chunk(index).set(kept.bytes)
    if (next.globals !== (before?.globals ?? this.base.globals)) machine.calls.writeGlobals(next.globals)
  }

  #makeSeat(pages: number): Seat {
    const seat = { machine: instanceOf(this.base, pages), pages, guest: undefined }
    this.#used(seat)
    for (const [oldest, home] of allSeats) {
      if (allSeats.size <= INSTANCES_MAX) break
      if (oldest !== seat && oldest.guest?.running !== true) home.#vacate(oldest)
    }
    return seat
  }

  #seat(seat: Seat, guest: AgentGuest | undefined): void {
    if (seat.guest !== undefined) this.#seated.delete(seat.guest)
    seat.guest = guest
    if (guest !== undefined) this.#seated.set(guest, seat)
  }

  resized(guest: AgentGuest, machine: Machine): void {
    this.drop(guest)
    const seat = { machine, pages: machine.calls.memory.pages, guest: undefined }
    this.#seat(seat, guest)
    this.#used(seat)
  }

  drop(guest: AgentGuest): void {
    const seat = this.#seated.get(guest)
    if (seat !== undefined) this.#leave(seat)
  }

  /** Ends a seat whose agent goes on elsewhere. */
  #vacate(seat: Seat): void {
    seat.guest?.settle()
    this.#leave(seat)
  }

  #leave(seat: Seat): void {
    this.#seat(seat, undefined)
    this.#seats.delete(seat)
    allSeats.delete(seat)
  }

  forget(guest: AgentGuest): void {
    const seat = this.#seated.get(guest)
    if (seat === undefined) return
    for (const index of guest.chunks.keys()) seat.machine.calls.memory.chunk(index).set(this.imageChunk(index))
    seat.machine.calls.writeGlobals(this.base.globals)
    this.#seat(seat, undefined)
  }

  /** One instance stays, the last that was used. */
  rest(): void {
    for (const seat of [...this.#seats].slice(0, -1)) if (seat.guest?.running !== true) this.#vacate(seat)
  }

  close(): void {
    for (const seat of this.#seats) this.#leave(seat)
  }
}
