import { CHUNK_SIZE_BYTES, type CellKey, type Cells } from '../../protocol/index.ts'
import { decodeGlobals, encodeGlobals, type GlobalValues } from '../actor/engine-state.ts'
import { dropDraft } from './calls/call-calls.ts'
import type { CanisterTrap } from './canister-trap.ts'
import type { CanisterCode } from './code.ts'
import { Execution, type Entry, type Keeps } from './execution.ts'
import { CHUNKS_PER_PAGE } from '../rewriter/index.ts'
import type { CanisterInstance, CanisterNames } from './instance.ts'
import { KeptChunks, STABLE_BASE } from './kept-chunks.ts'
import { NO_CODE } from './no-code.ts'
import { overLimit } from './heap-limit.ts'
import { getPieces } from './pieces.ts'
import { StableMemory } from './stable-memory.ts'
import { type CanisterState, decodeState, encodeState, saturate, stateAtFirst } from './state.ts'

/** The cells of the code that is installed. */
export const CODE: CellKey = 'c/'

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)
const PAGE_BYTES = CHUNKS_PER_PAGE * CHUNK_SIZE_BYTES

/** What a canister needs of the factory that opened it. */
export interface MachineHome {
  /** The code of these bytes, prepared once. @throws {Rejected} `IC0505` */
  code(hash: Uint8Array | undefined, bytes: () => Uint8Array): CanisterCode
  /** An instance of `code`, its memory that of `machine`. */
  seat(machine: Machine, code: CanisterCode): CanisterInstance
  /** The instance of `machine` cannot be used any more. */
  unseat(machine: Machine): void
  /** `machine` ends, and its instance may serve another. */
  leave(machine: Machine): void
  /** The process's own module, if its canisters have one. */
  readonly ownCode: Uint8Array | undefined
}

/** How an execution ended: with what it did, or with why nothing of it stands. */
export interface Executed {
  readonly execution: Execution
  readonly trap: CanisterTrap | undefined
  readonly gas: bigint
}

/**
 * The state of one canister and what runs on it.
 *
 * 1. An execution that traps, or is not to be kept, leaves state, heap and stable memory as they were.
 * 2. Executions of one slot follow each other; `keep` and `discard` end the slot as a whole.
 * 3. The heap of a seated instance is what `kept` says, whenever nothing runs. A memory cannot shrink, so whoever undoes its growth
 *    gives its instance up.
 */
export class Machine {
  readonly kept = new KeptChunks()
  readonly names: CanisterNames
  /** Gas that the slot may still use before it takes too long for its host. */
  patienceGas: bigint | undefined
  state: CanisterState
  /** When it last lost its instance to another, as its home counts. */
  seatLostAt: number | undefined
  readonly #home: MachineHome
  readonly #stable: StableMemory
  #before: CanisterState
  #code: CanisterCode | undefined
  /** The code that the slot has replaced, if it has: the globals of before are read by it. */
  #replaced: { readonly code: CanisterCode | undefined } | undefined
  #instance: CanisterInstance | undefined
  #engine: Uint8Array | undefined
  #engineOf: CanisterState | undefined

  constructor(names: CanisterNames, home: MachineHome, engine: Uint8Array | undefined) {
    this.names = names
    this.#home = home
    this.#stable = new StableMemory(this.kept)
    // One copy, of which the values are views: a buffer for each would be work for the collector of garbage.
    this.#engine = engine?.slice()
    this.state = this.#engine === undefined ? stateAtFirst() : decodeState(this.#engine)
    this.#before = this.state
    this.#engineOf = this.state
  }

  /** The state as bytes, for the state root. */
  engine(): Uint8Array {
    if (this.#engine !== undefined && this.#engineOf === this.state) return this.#engine
    this.#engineOf = this.state
    this.#engine = encodeState(this.state, this.#globalBytes())
    return this.#engine
  }

  #globalBytes(): Uint8Array {
    const { globals } = this.state
    if (globals instanceof Uint8Array) return globals
    return encodeGlobals(
      (this.#code?.globals ?? []).map(({ type }) => type),
      globals,
    )
  }

  /** Changes some of the state, outside of executions. */
  change(changes: Partial<CanisterState>): void {
    this.state = { ...this.state, ...changes }
    saturate(this.state)
  }

  /** The code, if there is some; `cells` hold its bytes. */
  code(cells: Cells): CanisterCode | undefined {
    const { codeHash, ownCode, codeBytes } = this.state
    if (codeHash === undefined) return undefined
    this.#code ??= this.#home.code(codeHash, () =>
      ownCode ? (this.#home.ownCode ?? new Uint8Array(0)) : getPieces(cells, CODE, codeBytes),
    )
    return this.#code
  }

  globalsFor(code: CanisterCode): GlobalValues {
    const { globals } = this.state
    if (!(globals instanceof Uint8Array)) return globals
    const decoded = decodeGlobals(
      code.globals.map(({ type }) => type),
      globals,
    )
    this.state.globals = decoded
    return decoded
  }

  /** Another has the instance now; `at` is told by `seatLostAt`. */
  lostSeat(at: number): void {
    this.#instance = undefined
    this.seatLostAt = at
  }

  #seated(code: CanisterCode): CanisterInstance {
    this.#instance = this.#home.seat(this, code)
    return this.#instance
  }

  /** Enters the code. What it does is kept only if it ends well, and as far as `keeps` says. @throws {HostFault | TooLong} */
  execute(
    code: CanisterCode,
    what: Parameters<CanisterInstance['run']>[0],
    entry: Entry,
    nowNs: bigint,
    keeps: Keeps = 'all',
  ): Executed {
    const instance = this.#seated(code)
    this.globalsFor(code)
    const state = { ...this.state }
    const now = nowNs > state.timeNs ? nowNs : state.timeNs + 1n
    const execution = new Execution(entry, state, now)
    this.#stable.begin(state.stablePages)
    let end: ReturnType<CanisterInstance['run']>
    try {
      end = instance.run(what, execution, this.names, this.#stable, this.patienceGas)
    } catch (error) {
      this.giveUp()
      throw error
    }
    if (this.patienceGas !== undefined)
      this.patienceGas = instance.used < this.patienceGas ? this.patienceGas - instance.used : 0n
    const trap = end.trap ?? overLimit(execution, instance)
    if (trap === undefined && keeps === 'all') {
      dropDraft(execution)
      this.#commit(instance, state, now)
    } else {
      this.#rollBack(instance)
      if (trap === undefined && keeps === 'cycles')
        this.change({ cycles: state.cycles, timeNs: now, version: state.version + 1n })
    }
    return { execution, trap, gas: end.gas }
  }

  #commit(instance: CanisterInstance, state: CanisterState, nowNs: bigint): void {
    const { dirty, dirtyCount, heap } = instance
    for (let at = 0; at < dirtyCount; at++) {
      const index = dirty[at] ?? 0
      this.kept.put(index, heap.chunk(index))
    }
    heap.clearDirty(dirty, dirtyCount)
    this.#stable.commit()
    const known = state.globals instanceof Uint8Array ? [] : state.globals
    state.globals = instance.readChangedGlobals(known)
    state.heapPages = heap.pages
    state.stablePages = this.#stable.pages
    state.timeNs = nowNs
    state.version += 1n
    saturate(state)
    this.state = state
  }

  #rollBack(instance: CanisterInstance): void {
    if (instance.heap.pages !== this.state.heapPages) {
      this.giveUp()
      return
    }
    const { dirty, dirtyCount, heap } = instance
    for (let at = 0; at < dirtyCount; at++) {
      const index = dirty[at] ?? 0
      heap.chunk(index).set(this.kept.get(index))
    }
    heap.clearDirty(dirty, dirtyCount)
    if (!(this.state.globals instanceof Uint8Array)) instance.writeGlobals(this.state.globals)
  }

  /** The instance serves nobody any more. */
  giveUp(): void {
    this.#home.unseat(this)
    this.#instance = undefined
  }

  /**
   * Puts another code in place: its heap as it begins, or the present one. The start function has not run.
   * Only `discard` goes back.
   */
  replaceCode(code: CanisterCode, keepsHeap: boolean, changes: Partial<CanisterState>): void {
    const heapPages = keepsHeap ? Math.max(code.pagesMin, this.state.heapPages) : code.pagesMin
    if (!keepsHeap) this.#replaceHeap(code.initialChunks)
    this.#replace(code)
    this.change({ ...changes, codeHash: code.hash, heapPages, globals: code.initialGlobals })
  }

  /** No code, no memory. */
  removeCode(changes: Partial<CanisterState>): void {
    this.#replaceHeap(new Map())
    this.clearStable()
    this.#replace(undefined)
    this.change({ ...changes, ...NO_CODE })
  }

  /** Puts a whole memory in place: that of a snapshot. */
  replaceMemory(
    code: CanisterCode | undefined,
    chunks: ReadonlyMap<number, Uint8Array>,
    changes: Partial<CanisterState>,
  ): void {
    for (const index of [...this.kept.indexes()]) if (!chunks.has(index)) this.kept.put(index, ZEROES)
    for (const [index, bytes] of chunks) this.kept.put(index, bytes)
    this.#replace(code)
    this.change(changes)
  }

  #replace(code: CanisterCode | undefined): void {
    this.giveUp()
    this.#replaced ??= { code: this.#code }
    this.#code = code
  }

  #replaceHeap(chunks: ReadonlyMap<number, Uint8Array>): void {
    for (const index of [...this.kept.indexes()]) {
      if (index < STABLE_BASE && !chunks.has(index)) this.kept.put(index, ZEROES)
    }
    for (const [index, bytes] of chunks) this.kept.put(index, bytes)
  }

  clearStable(): void {
    for (const index of [...this.kept.indexes()]) if (index >= STABLE_BASE) this.kept.put(index, ZEROES)
    this.change({ stablePages: 0 })
  }

  /** Of heap and stable memory: by what the state commits to, for which chunks a host happens to hold may differ between hosts. */
  get memoryBytes(): number {
    return (this.state.heapPages + this.state.stablePages) * PAGE_BYTES
  }

  /** The state of now is that of the slot. */
  keep(): void {
    this.kept.keep()
    this.#before = this.state
    this.#replaced = undefined
  }

  /** Back to where the slot began. */
  discard(): void {
    const undone = this.kept.discard()
    this.state = this.#before
    if (this.#replaced !== undefined) {
      this.#code = this.#replaced.code
      this.#replaced = undefined
      this.giveUp()
    }
    const instance = this.#instance
    if (instance === undefined) return
    const { globals } = this.state
    // Of a canister that was just opened nobody has read what its globals are.
    if (instance.heap.pages !== this.state.heapPages || globals instanceof Uint8Array) {
      this.giveUp()
      return
    }
    for (const index of undone) {
      if (index < this.state.heapPages * CHUNKS_PER_PAGE) instance.heap.chunk(index).set(this.kept.get(index))
    }
    instance.writeGlobals(globals)
  }

  close(): void {
    this.#home.leave(this)
    this.#instance = undefined
    this.kept.close()
  }
}
