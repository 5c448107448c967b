import { createHash } from 'node:crypto'
import {
  CHUNK_SIZE_BYTES,
  type GuestFactory,
  type GuestSnapshot,
  type ProcessDescription,
  toHex,
} from '../../protocol/index.ts'
import { type CanisterCode, prepareCode } from './code.ts'
import { CanisterGuest } from './guest.ts'
import { CanisterInstance } from './instance.ts'
import { STABLE_BASE } from './kept-chunks.ts'
import type { Machine, MachineHome } from './machine.ts'
import { encodeState, stateAtFirst } from './state.ts'

/** Instances with a canister's memory in them: the engine has room for some thousands, and each keeps its pages. */
const INSTANCES_MAX = 256
/** So many there are at least, if there are canisters for them; more only if those that lost theirs want them back soon. */
const INSTANCES_MIN = 16
/** Instances that wait for a canister of their code. */
const SPARE_MAX = 32
/** Code that is compiled; canisters of one code share it. */
const CODES_MAX = 64

/** All canisters of one module in a host: most are of the empty module, whatever their code. */
export class CanisterFactory implements GuestFactory, MachineHome {
  readonly image: GuestSnapshot
  readonly ownCode: Uint8Array | undefined
  /** The most recently used last. */
  readonly #codes = new Map<string, CanisterCode>()
  readonly #seats = new Map<Machine, CanisterInstance>()
  /** Instances whose memory is all zero again: making one costs more than cleaning it. */
  readonly #spare: CanisterInstance[] = []
  #last: Machine | undefined
  #seatsMax = INSTANCES_MIN
  /** Counts canisters that got an instance; by it they know when they lost theirs. */
  #seatings = 0

  constructor(ownCode: Uint8Array | undefined) {
    this.ownCode = ownCode
    const engine = encodeState(stateAtFirst(), new Uint8Array(0))
    this.image = { pages: 0, chunks: new Map(), engine }
  }

  open(process: ProcessDescription, snapshot?: GuestSnapshot): CanisterGuest {
    return new CanisterGuest(process, this, snapshot)
  }

  code(hash: Uint8Array | undefined, bytes: () => Uint8Array): CanisterCode {
    const name = toHex(hash ?? new Uint8Array(createHash('sha256').update(bytes()).digest()))
    const known = this.#codes.get(name)
    const code = known ?? prepareCode(bytes())
    if (known !== undefined) this.#codes.delete(name)
    this.#codes.set(name, code)
    for (const oldest of this.#codes.keys()) {
      if (this.#codes.size <= CODES_MAX) break
      this.#codes.delete(oldest)
    }
    return code
  }

  seat(machine: Machine, code: CanisterCode): CanisterInstance {
    const seated = this.#seats.get(machine)
    if (seated !== undefined) {
      if (this.#last === machine) return seated
      this.#seats.delete(machine)
      this.#seats.set(machine, seated)
      this.#last = machine
      return seated
    }
    this.#seatings += 1
    // Of ten thousand that wake one after the other each would get an instance of its own, which takes longer than cleaning one.
    const isMissed = machine.seatLostAt !== undefined && this.#seatings - machine.seatLostAt <= INSTANCES_MAX
    if (isMissed && this.#seatsMax < INSTANCES_MAX) this.#seatsMax += 1
    const taken = this.#seats.size < this.#seatsMax ? undefined : this.#takeOldest(machine, code)
    const instance = taken ?? this.#fresh(machine, code)
    instance.writeGlobals(machine.globalsFor(code))
    this.#seats.set(machine, instance)
    this.#last = machine
    return instance
  }

  /** The instance longest unused, if it can serve: of the same code and size. Else it goes. */
  #takeOldest(machine: Machine, code: CanisterCode): CanisterInstance | undefined {
    const [oldest] = this.#seats
    if (oldest === undefined) return undefined
    const [former, instance] = oldest
    this.#seats.delete(former)
    former.lostSeat(this.#seatings)
    if (instance.code !== code || instance.heap.pages !== machine.state.heapPages) return undefined
    for (const index of former.kept.indexes()) {
      if (index < STABLE_BASE && !machine.kept.has(index)) instance.heap.chunk(index).fill(0)
    }
    fill(machine, instance)
    return instance
  }

  #fresh(machine: Machine, code: CanisterCode): CanisterInstance {
    const { heapPages } = machine.state
    const at = this.#spare.findIndex(one => one.code === code && one.heap.pages === heapPages)
    const [spare] = at < 0 ? [] : this.#spare.splice(at, 1)
    if (spare !== undefined) {
      fill(machine, spare)
      return spare
    }
    const instance = new CanisterInstance(code)
    instance.growTo(heapPages)
    for (const index of code.initialChunks.keys()) if (!machine.kept.has(index)) instance.heap.chunk(index).fill(0)
    fill(machine, instance)
    return instance
  }

  unseat(machine: Machine): void {
    this.#seats.delete(machine)
    if (this.#last === machine) this.#last = undefined
  }

  leave(machine: Machine): void {
    const instance = this.#seats.get(machine)
    this.unseat(machine)
    if (instance === undefined || this.#spare.length >= SPARE_MAX || instance.heap.pages !== machine.state.heapPages)
      return
    for (const index of machine.kept.indexes()) if (index < STABLE_BASE) instance.heap.chunk(index).fill(0)
    this.#spare.push(instance)
  }

  close(): void {
    this.#seats.clear()
    this.#spare.length = 0
    this.#codes.clear()
  }
}

function fill({ kept, state }: Machine, { heap }: CanisterInstance): void {
  const end = (state.heapPages * 65_536) / CHUNK_SIZE_BYTES
  for (const index of kept.indexes()) if (index < end) heap.chunk(index).set(kept.get(index))
}
