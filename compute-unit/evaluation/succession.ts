import {
  DOCUMENT_GAS_PER_BYTE,
  DOCUMENT_GAS_PER_CELL,
  type Ending,
  findTag,
  type Guest,
  type GuestMessage,
  type GuestSnapshot,
  type ProcessDescription,
  toUtf8,
} from '../../protocol/index.ts'
import { type CellStore, toCellKey } from './cells.ts'
import { type CellState, clearCells, clearTimers, encodeCells, restoreCells } from './cells-document.ts'
import { ControlFailed, documentIn, GuestFailed, parseDocument, withoutDeadSchedules, withPending } from './document.ts'
import { exportQuery, restoreMessage } from './lifecycle-messages.ts'
import type { LoadedModule } from './loaded-module.ts'
import type { Mailbox } from './mailbox.ts'

/** The module that evaluates a process now, and its guest. */
export interface Present {
  readonly loaded: LoadedModule
  readonly guest: Guest
  /** Memory and engine state, if they are not as in the module's image. */
  ownMemory(): GuestSnapshot | undefined
}

/** A guest that takes the place of the present one, if its slot ends well. */
export interface Successor {
  readonly loaded: LoadedModule
  readonly guest: Guest
  readonly memory: GuestSnapshot | undefined
  /** It has an open run, to be kept or discarded. */
  readonly hasRun: boolean
}

/** What came of a control message. */
export interface Carried {
  readonly ending: Ending
  readonly successor: Successor | undefined
}

export interface SuccessionParts {
  readonly process: ProcessDescription
  readonly cells: CellStore
  readonly mailbox: Mailbox
  present(): Present
  /** Runs a message on a guest, within the bounds of a slot; the run stays open. */
  run(guest: Guest, message: GuestMessage, gasLimit: bigint): Ending
}

const NO_BYTES = new Uint8Array(0)

/** How state goes from one guest to the next, and what it costs. One use for each control message. */
export class Succession {
  readonly #parts: SuccessionParts
  readonly #gasLimit: bigint
  #gas = 0n

  constructor(parts: SuccessionParts, gasLimit: bigint) {
    this.#parts = parts
    this.#gasLimit = gasLimit
  }

  get gas(): bigint {
    return this.#gas
  }

  /**
   * The state as the present program tells it, in a run that is undone and may use one part in `share` of the gas.
   * @throws {ControlFailed} @throws {GuestFailed}
   */
  export({ slot, timestampMs }: Pick<GuestMessage, 'slot' | 'timestampMs'>, share = 1n): Uint8Array {
    const { process, cells, mailbox, run } = this.#parts
    const present = this.#parts.present()
    const { loaded, guest } = present
    if (loaded.stateForm === 'memory') throw sealed(loaded, 'not-exportable')
    if (loaded.stateForm === 'cells') {
      return this.charged(encodeCells(this.#cellState(), loaded.id, present.ownMemory()))
    }
    const limit = (this.#gasLimit - this.#gas) / share
    const ending = run(guest, exportQuery(process, slot, timestampMs), limit)
    guest.discard()
    cells.discard()
    this.#gas += ending.gas
    if (ending.status === 'error') throw new GuestFailed(ending)
    const { bytes, document } = documentIn(ending.output)
    const hasTimer = (key: string): boolean => mailbox.timer(toCellKey(toUtf8(key))) !== undefined
    return this.charged(withoutDeadSchedules(bytes, document, hasTimer))
  }

  /** Takes the gas for a document. @throws {ControlFailed} `out-of-gas` */
  charged(bytes: Uint8Array): Uint8Array {
    this.#spend(BigInt(bytes.length) * DOCUMENT_GAS_PER_BYTE)
    return bytes
  }

  #spend(gas: bigint): void {
    this.#gas += gas
    if (this.#gas <= this.#gasLimit) return
    this.#gas = this.#gasLimit
    throw new ControlFailed('out-of-gas', 'there is more state than there is gas for')
  }

  #cellState(): CellState {
    const { cells, mailbox } = this.#parts
    return { cells, mailbox, touched: () => this.#spend(DOCUMENT_GAS_PER_CELL) }
  }

  /** Cells stay; memory is that of the new module's image. @throws {ControlFailed} `memory-in-use` */
  takeOver(next: LoadedModule, hasMemory: boolean, message: GuestMessage): Carried {
    const form = findTag(next.tags, 'Actor-Upgrade')
    if (hasMemory && form !== 'cells' && form !== 'migrate') {
      const what = 'the process keeps state in memory'
      const cure = 'the new module does not say (Actor-Upgrade) that it needs nothing of it'
      throw new ControlFailed('memory-in-use', `${what}, and ${cure}`)
    }
    return form === 'migrate' ? this.#migrate(next, NO_BYTES, message) : this.#opened(next, undefined)
  }

  /** A document takes the place of the state; `isOwn` says that this process wrote it. */
  restore(
    next: LoadedModule,
    bytes: Uint8Array,
    message: GuestMessage,
    { pending, isOwn }: { pending: readonly unknown[]; isOwn: boolean },
  ): Carried {
    const state = this.#cellState()
    const document = parseDocument(this.charged(bytes))
    if (next.stateForm === 'document') {
      clearCells(state)
      clearTimers(state.mailbox)
      return this.#migrate(next, withPending(bytes, document, pending), message)
    }
    const memory = restoreCells(state, document)
    if (document['module'] !== next.id) return this.takeOver(next, memory !== undefined, message)
    // A memory larger than its module can have would be a fault of the engine, not of the document.
    if (memory !== undefined && !isOwn && memory.pages !== next.factory.image.pages) {
      throw new ControlFailed('bad-document', 'memory of another size than the module begins with')
    }
    return this.#opened(next, memory)
  }

  #opened(loaded: LoadedModule, memory: GuestSnapshot | undefined): Carried {
    let guest: Guest
    try {
      guest = loaded.factory.open(this.#parts.process, memory)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new ControlFailed('bad-document', 'memory that does not fit the module')
    }
    const successor = { loaded, guest, memory, hasRun: false }
    return { ...this.done({ module: loaded.id }), successor }
  }

  /** Gives the new program its state as a message. @throws {GuestFailed} */
  #migrate(loaded: LoadedModule, data: Uint8Array, message: GuestMessage): Carried {
    const guest = loaded.factory.open(this.#parts.process)
    const { gasPerSlotMax } = loaded.limits
    let limit = this.#gasLimit - this.#gas
    if (gasPerSlotMax < limit) limit = gasPerSlotMax
    const ending = this.#parts.run(guest, restoreMessage(message, data), limit)
    this.#gas += ending.gas
    if (ending.status === 'error') {
      guest.discard()
      guest.close()
      throw new GuestFailed(ending)
    }
    const successor = { loaded, guest, memory: undefined, hasRun: true }
    return { ending: { ...ending, gas: this.#gas }, successor }
  }

  /** It ended well, and nobody takes over. */
  done(output: object): Carried {
    const ending = { status: 'ok', gas: this.#gas, output: toUtf8(JSON.stringify(output)) } as const
    return { ending, successor: undefined }
  }
}

/** State that only its own module can read. */
export function sealed({ format }: LoadedModule, code: string): ControlFailed {
  return new ControlFailed(code, `state of format ${format} lies in memory that only its own module can read`)
}
