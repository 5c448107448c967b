import type {
  AgentModule,
  Ending,
  Guest,
  GuestContext,
  GuestMessage,
  GuestSnapshot,
  ProcessDescription,
} from '../../protocol/index.ts'
import {
  CHANGED_LINES_MAX_BYTES,
  ChangedLines,
  CHUNK_SIZE_BYTES,
  findTag,
  HostFault,
  layOver,
  toUtf8,
} from '../../protocol/index.ts'
import { decodeGlobals, encodeGlobals, type GlobalType, type GlobalValues } from '../actor/engine-state.ts'
import { CHUNKS_PER_PAGE } from '../rewriter/index.ts'
import { applyEffects } from './effects.ts'
import { type Image, STACK_CHUNKS } from './image.ts'
import type { ImageLines } from './image-lines.ts'
import { KeptLines } from './kept-lines.ts'
import type { Machine } from './machine.ts'
import type { Positions } from './positions.ts'
import { runSlot, type SlotEnd } from './slot-run.ts'
import { UnsettledSlots } from './unsettled-slots.ts'

const NOTHING = (): void => undefined
/** Bytes of a guest without chunks: objects, a map, a list. */
const GUEST_OVERHEAD_BYTES = 600
const CHUNK_WORDS = CHUNK_SIZE_BYTES / 4
const NO_LINES = new Int32Array(0)
/** For chunks that come from a checkpoint. */
const restored = new ChangedLines(CHANGED_LINES_MAX_BYTES)

/** What a guest needs of the factory that opened it. */
export interface AgentHome {
  readonly module: AgentModule
  readonly positions: Positions
  readonly base: Image
  readonly globalTypes: readonly GlobalType[]
  /** The image, as long as there is an instance. */
  readonly lines: ImageLines
  imageChunk(index: number): Uint8Array
  /** An instance with the state of `guest` in its memory. */
  pageIn(guest: AgentGuest): Machine
  /** The memory of the guest's instance grew in a kept run. */
  resized(guest: AgentGuest, machine: Machine): void
  /** The state in the guest's instance cannot be set back. */
  drop(guest: AgentGuest): void
  /** Takes a guest out of its seat before it is closed. */
  forget(guest: AgentGuest): void
}

/**
 * One agent: the lines in which its memory differs from the module's image. It has no instance of its own; to run, it is
 * paged into one, and stays there until another needs it.
 *
 * 1. What slots changed is settled, that is compared with what was there before and copied, when somebody asks: once
 *    for many slots. Until then it stands in the instance alone.
 * 2. A slot that fails sets the instance back to what is settled, and the slots since then run again. So that nobody can
 *    make much of that, it happens once between two times that somebody asks, and for some milliseconds at most.
 */
export class AgentGuest implements Guest {
  /** What a schedule or a deadline hangs on is set anew inside: lost with its slot, it would be lost for good. */
  readonly ringsAgain = true
  readonly lines = new KeptLines()
  /** Chunks that changed since the last `takeChanged`, some more than once. */
  #changed: number[] = []
  readonly #home: AgentHome
  readonly #process: ProcessDescription
  #pages: number
  #globals: GlobalValues
  #encoded: { readonly globals: GlobalValues; readonly bytes: Uint8Array } | undefined
  #machine: Machine | undefined
  #open: 'no' | 'ok' | 'error' = 'no'
  #again = NOTHING
  #gas = 0n
  readonly #unsettled = new UnsettledSlots()
  /** A slot failed since somebody asked: those that follow are settled at once. */
  #isEager = false
  #isLost = false

  constructor(process: ProcessDescription, home: AgentHome, snapshot: GuestSnapshot | undefined) {
    this.#process = process
    this.#home = home
    this.#pages = snapshot?.pages ?? home.base.pages
    this.#globals = home.base.globals
    if (snapshot !== undefined) this.#restore(snapshot)
  }

  #restore(snapshot: GuestSnapshot): void {
    this.#globals = decodeGlobals(this.#home.globalTypes, snapshot.engine)
    for (const [index, content] of snapshot.chunks) {
      if (index >= this.#pages * CHUNKS_PER_PAGE || content.length !== CHUNK_SIZE_BYTES)
        throw new RangeError(`expected a chunk inside ${this.#pages} pages, got chunk ${index}`)
      restored.clear()
      restored.add(content, this.#home.imageChunk(index))
      this.lines.put(index, restored.words.subarray(0, restored.used / 4))
    }
  }

  get pages(): number {
    return this.#pages
  }

  get globals(): GlobalValues {
    return this.#globals
  }

  get sizeBytes(): number {
    return GUEST_OVERHEAD_BYTES + this.lines.sizeBytes
  }

  /** Whether a run waits for keep or discard: its instance may serve nobody else. */
  get running(): boolean {
    return this.#open !== 'no'
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#open !== 'no') throw new Error('expected keep or discard before the next run')
    if (this.#isLost) throw new HostFault('the state of an agent was lost with its instance')
    if (message.kind === 'query') this.settle()
    const { module, positions, base } = this.#home
    this.#open = 'error'
    if (message.kind === 'query' && findTag(message.tags, 'Action') === '@contract') {
      return {
        status: 'ok',
        gas: 0n,
        output: toUtf8(JSON.stringify({ reply: module.interface })),
      }
    }
    let end: SlotEnd
    try {
      end = runSlot({
        message,
        context,
        gasLimit,
        process: this.#process,
        module,
        positions,
        entry: base.entry,
        machine: () => this.#before(),
      })
    } catch (error) {
      // Not even how to set it back is known.
      this.#open = 'no'
      this.#machine = undefined
      this.#isLost = this.#unsettled.take().length > 0
      this.#home.drop(this)
      throw error
    }
    // May throw, at a limit of the outbox: then the run is still to be discarded, like one that failed.
    applyEffects(end.effects, context)
    this.#open = end.ending.status
    this.#again = end.again
    this.#gas = end.ending.gas
    return end.ending
  }

  /** An instance with the kept state; what an earlier attempt of this slot did is undone. */
  #before(): Machine {
    if (this.#machine !== undefined) this.#undo(this.#machine)
    const machine = this.#home.pageIn(this)
    this.#machine = machine
    return machine
  }

  keep(): void {
    const machine = this.#machine
    if (this.#open !== 'ok' || machine === undefined) throw new Error('expected a run that ended well')
    this.#open = 'no'
    this.#machine = undefined
    this.#note(machine)
    this.#unsettled.add(this.#again, this.#gas)
    this.#again = NOTHING
    const isGrown = machine.calls.memory.pages !== this.#pages
    if (this.#isEager || isGrown || this.#unsettled.areMany) this.#settle()
    if (!isGrown) return
    this.#pages = machine.calls.memory.pages
    this.#home.resized(this, machine)
  }

  /** Remembers which chunks a run stored to, and clears what is dead after it. */
  #note(machine: Machine): void {
    const { memory } = machine.calls
    const { dirty, dirtyCount } = machine
    for (let at = 0; at < dirtyCount; at++) {
      const index = dirty[at] ?? 0
      if (index < STACK_CHUNKS) memory.chunk(index).fill(0)
      else machine.unsettled.add(index)
    }
    memory.clearDirty(dirty, dirtyCount)
    this.#unsettled.machine = machine
  }

  /** Takes over what the slots since the last time changed in the instance. Not while a run is open. */
  settle(): void {
    if (this.#open !== 'no') throw new Error('expected keep or discard before the state is asked for')
    this.#isEager = false
    this.#settle()
  }

  #settle(): void {
    const { machine } = this.#unsettled
    if (machine === undefined) return
    const { lines } = this.#home
    for (const index of machine.unsettled.indexes) {
      // Counts of references go up and down again: half of what is stored to is as it was.
      if (this.lines.put(index, lines.find(machine, index))) this.#changed.push(index)
    }
    this.#globals = machine.readChangedGlobals(this.#globals)
    this.#unsettled.take()
  }

  /** Also after a run that threw; a second call does nothing. */
  discard(): void {
    const machine = this.#machine
    this.#open = 'no'
    this.#machine = undefined
    if (machine !== undefined) this.#undo(machine)
  }

  /** Brings the instance back to the kept state, or gives it up. */
  #undo(machine: Machine): void {
    const { memory } = machine.calls
    machine.countDirty()
    if (memory.pages === this.#pages) {
      const { dirty, dirtyCount } = machine
      for (let at = 0; at < dirtyCount; at++) this.#setBack(dirty[at] ?? 0, machine)
      for (const index of machine.unsettled.indexes) this.#setBack(index, machine)
      // A store that trapped may have marked a chunk anywhere.
      memory.clearAllDirty()
      machine.calls.writeGlobals(this.#globals)
    } else this.#home.drop(this)
    const again = this.#unsettled.take()
    if (again.length === 0) return
    for (const run of again) {
      this.#machine = undefined
      run()
      this.#note(this.#home.pageIn(this))
    }
    this.#machine = undefined
    this.#settle()
    this.#isEager = true
  }

  #setBack(index: number, machine: Machine): void {
    this.#home.lines.setBack(machine, index)
    const lines = this.lines.get(index)
    if (lines !== undefined) layOver(machine.calls.memory.words, index * CHUNK_WORDS, lines)
  }

  takeChanged(): readonly number[] {
    this.settle()
    const changed = this.#changed.sort((a, b) => a - b)
    this.#changed = []
    return changed.filter((index, at) => index !== changed[at - 1])
  }

  chunk(index: number): Uint8Array {
    this.settle()
    const bytes = this.#home.imageChunk(index).slice()
    const lines = this.lines.get(index)
    if (lines !== undefined) layOver(new Int32Array(bytes.buffer), 0, lines)
    return bytes
  }

  changedLines(index: number): Int32Array {
    this.settle()
    return this.lines.get(index) ?? NO_LINES
  }

  engine(): Uint8Array {
    this.settle()
    if (this.#encoded?.globals !== this.#globals)
      this.#encoded = { globals: this.#globals, bytes: encodeGlobals(this.#home.globalTypes, this.#globals) }
    return this.#encoded.bytes
  }

  close(): void {
    this.discard()
    this.settle()
    this.#home.forget(this)
    this.lines.clear()
  }
}
