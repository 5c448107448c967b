import type { AgentModule, GuestFactory, GuestSnapshot, ProcessDescription } from '../../protocol/index.ts'
import { CHUNK_SIZE_BYTES, layOver } from '../../protocol/index.ts'
import { encodeGlobals, type GlobalType } from '../actor/engine-state.ts'
import { engine } from './engine.ts'
import { type AgentHome, AgentGuest } from './guest.ts'
import { type Image, instanceOf } from './image.ts'
import { ImageLines } from './image-lines.ts'
import type { Machine } from './machine.ts'
import { Positions } from './positions.ts'

/** Instances kept, of all modules together: each takes some megabytes, and is made again in less than a millisecond. */
const INSTANCES_MAX = 64
/** Of these one module has as many at least as have to do: two agents that talk to each other have one each. */
const INSTANCES_SHARED = 4
/** An agent that holds more than this gets an instance of its own, as long as there are not too many: to page it in takes as long as a message. */
const SHARES_MAX_BYTES = 512 * 1024
const CHUNK_WORDS = CHUNK_SIZE_BYTES / 4

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/** An instance, and the agent whose state stands in its memory. */
interface Seat {
  readonly machine: Machine
  readonly pages: number
  guest: AgentGuest | undefined
}

/** All seats of this program and whose they are; the one that was least recently used first. */
const allSeats = new Map<Seat, AgentFactory>()
/** The one that was used last: it stands at the end already. */
let newest: Seat | undefined

/**
 * One loaded module and its agents.
 *
 * 1. A memory cannot shrink, so instances are kept by size.
 * 2. The memory of an instance is the image, with the lines of its seated agent laid over it, and nothing else,
 *    whenever no run is open. The dirty map is then clear.
 * 3. Many agents share few instances, for their memory stays in the processor's caches: to page an agent in is less than to find
 *    another memory cold. Those that hold much have an instance each.
 */
export class AgentFactory implements GuestFactory, AgentHome {
  readonly image: GuestSnapshot
  readonly module: AgentModule
  readonly positions: Positions
  readonly base: Image
  readonly globalTypes: readonly GlobalType[]
  #lines: ImageLines | undefined
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

  get lines(): ImageLines {
    this.#lines ??= new ImageLines(this.base)
    return this.#lines
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
    const isFull = allSeats.size >= INSTANCES_MAX
    const shares = isFull || (guest.sizeBytes <= SHARES_MAX_BYTES && this.#seats.size >= INSTANCES_SHARED)
    for (const seat of this.#seats) {
      if (seat.pages !== guest.pages || seat.guest?.running === true) continue
      if (shares || seat.guest === undefined) return seat
    }
    return this.#makeSeat(guest.pages)
  }

  #used(seat: Seat): void {
    if (seat === newest) return
    newest = seat
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
    if (before !== undefined) this.#clear(machine, before)
    const { words } = memory
    next.lines.each((index, lines, from) => layOver(words, index * CHUNK_WORDS, lines, from))
    if (next.globals !== (before?.globals ?? this.base.globals)) machine.calls.writeGlobals(next.globals)
  }

  /** Leaves the image alone in an instance. */
  #clear(machine: Machine, { lines: own }: AgentGuest): void {
    const { lines } = this
    own.each((index, changed, from, length) => lines.takeOff(machine, index, changed, from, length))
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
    if (newest === seat) newest = undefined
    if (this.#seats.size === 0) this.#lines = undefined
  }

  forget(guest: AgentGuest): void {
    const seat = this.#seated.get(guest)
    if (seat === undefined) return
    this.#clear(seat.machine, guest)
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
