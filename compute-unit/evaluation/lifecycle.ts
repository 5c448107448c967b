import {
  type Control,
  type Ending,
  Failure,
  type GuestMessage,
  type ModuleId,
  type PendingRule,
  readControl,
} from '../../protocol/index.ts'
import { toCellKey } from './cells.ts'
import { ControlFailed, GuestFailed, type JsonDocument, parseDocument, pendingIn } from './document.ts'
import { GuestLimit } from './guest-limit.ts'
import { LifecycleCells } from './lifecycle-cells.ts'
import type { LoadedModule, ModuleShelf } from './loaded-module.ts'
import { type Carried, sealed, Succession, type SuccessionParts } from './succession.ts'

export interface LifecycleParts extends SuccessionParts {
  readonly modules: ModuleShelf
}

const NO_BYTES = new Uint8Array(0)

/**
 * Carries out control messages: (state, control) → (state, ending), like any slot.
 *
 * 1. Old code never runs on behalf of the new: the present program only tells its state, in a run that is undone.
 * 2. The new program begins on its own image, and takes that document as a message. If it fails, nothing has changed.
 * 3. What the mailbox counts is nobody's state: no upgrade, restore or rollback touches it.
 * 4. Calls that are open are never forgotten: either nothing happens while there are some, or the new program is
 *    given them, to reject them.
 */
export class Lifecycle {
  readonly cells: LifecycleCells
  readonly #parts: LifecycleParts

  constructor(parts: LifecycleParts) {
    this.#parts = parts
    this.cells = new LifecycleCells(parts.cells, parts.process.module)
  }

  /**
   * What `message` asks for, unless `control` says it. Leaves cells changed and not kept; on an error the caller
   * undoes them.
   */
  carryOut(message: GuestMessage, gasLimit: bigint, control?: Control): Carried {
    const succession = new Succession(this.#parts, gasLimit)
    try {
      if (message.from !== this.#parts.process.owner) {
        throw new ControlFailed('not-owner', 'only the owner of a process has it changed')
      }
      return this.#carryOut(control ?? readControl(message.tags), message, succession)
    } catch (error) {
      return { ending: endingOf(error, succession.gas), successor: undefined }
    }
  }

  /** The state as a document, in a run that is undone. */
  document(gasLimit: bigint, timestampMs: number, slot: number): Ending {
    const succession = new Succession(this.#parts, gasLimit)
    try {
      const output = succession.export({ slot, timestampMs })
      return { status: 'ok', gas: succession.gas, output }
    } catch (error) {
      return endingOf(error, succession.gas)
    }
  }

  #carryOut(control: Control, message: GuestMessage, succession: Succession): Carried {
    switch (control.action) {
      case 'Upgrade':
        return this.#upgrade(control, message, succession)
      case 'Rollback':
        return this.#rollback(control, message, succession)
      case 'Restore':
        return this.#restore(control, message, succession)
      case 'Snapshot': {
        const bytes = succession.export(message)
        this.#keep(control.name, succession.charged(bytes), message, false)
        return succession.done({ snapshot: control.name, bytes: bytes.length })
      }
      case 'Forget':
        if (!this.cells.forget(control.name)) throw unknownSnapshot(control.name)
        return succession.done({ forgot: control.name })
      case 'Cancel-Timer':
      case 'Run-Timer':
        return this.#setTimer(control, message, succession)
    }
  }

  #upgrade(control: Extract<Control, { action: 'Upgrade' }>, message: GuestMessage, succession: Succession): Carried {
    const present = this.#parts.present()
    const { loaded } = present
    const next = this.#module(control.module)
    if (loaded.stateForm === 'memory') throw sealed(loaded, 'not-upgradable')
    if (next.format !== loaded.format) {
      const formats = `of ${next.format}, where ${loaded.format} is`
      throw new ControlFailed('other-format', `a module ${formats}`)
    }
    const hasMemory = loaded.stateForm === 'cells' && present.ownMemory() !== undefined
    const isTold = control.keeps || loaded.stateForm === 'document'
    const bytes = isTold ? succession.export(message) : NO_BYTES
    const document = isTold ? parseDocument(bytes) : {}
    const pending = allowedPending(document, control.pending)
    if (control.keeps) this.#keep(`@${message.slot}`, succession.charged(bytes), message, true)
    const carried =
      loaded.stateForm === 'document'
        ? succession.restore(next, bytes, message, { pending, isOwn: true })
        : succession.takeOver(next, hasMemory, message)
    return this.#began(next, message, carried)
  }

  #rollback(control: Extract<Control, { action: 'Rollback' }>, message: GuestMessage, succession: Succession): Carried {
    const last = this.cells.read().snapshots.findLast(one => one.isAutomatic)
    if (last === undefined) {
      throw new ControlFailed('nothing-to-roll-back', 'no upgrade left a state to go back to')
    }
    if (last.module !== control.module) {
      throw new ControlFailed('other-module', `the state to go back to is of module ${last.module}`)
    }
    const next = this.#module(control.module)
    const bytes = this.cells.document(last)
    const pending = this.#presentPending(control.pending, message, succession)
    this.cells.forget(last.name)
    const carried = succession.restore(next, bytes, message, { pending, isOwn: true })
    return this.#began(next, message, carried)
  }

  #restore(
    { name, pending: rule }: Extract<Control, { action: 'Restore' }>,
    message: GuestMessage,
    succession: Succession,
  ): Carried {
    const { loaded } = this.#parts.present()
    if (loaded.stateForm === 'memory') throw sealed(loaded, 'not-upgradable')
    const fact = name === undefined ? undefined : this.cells.find(name)
    if (name !== undefined && fact === undefined) throw unknownSnapshot(name)
    const bytes = fact === undefined ? message.data : this.cells.document(fact)
    const pending = message.slot === 0 ? [] : this.#presentPending(rule, message, succession)
    const isOwn = fact !== undefined
    const carried = succession.restore(loaded, bytes, message, { pending, isOwn })
    return this.#began(loaded, message, carried)
  }

  #setTimer(
    { action, timer: key }: Extract<Control, { timer: Uint8Array }>,
    message: GuestMessage,
    succession: Succession,
  ): Carried {
    const { mailbox } = this.#parts
    const timer = mailbox.timer(toCellKey(key))
    if (timer === undefined) {
      throw new ControlFailed('unknown-timer', 'the process holds no timer of that key')
    }
    if (action === 'Cancel-Timer') mailbox.clearTimer(timer.key)
    else mailbox.setTimer({ ...timer, dueMs: message.timestampMs })
    return succession.done({ action })
  }

  #module(id: ModuleId): LoadedModule {
    const loaded = this.#parts.modules(id)
    // Whoever asks a host to evaluate has the modules loaded first: this is no fact about the process.
    if (loaded === undefined) throw new Error(`module ${id} is not loaded`)
    if (loaded.refused !== undefined) throw new ControlFailed('module-refused', loaded.refused)
    return loaded
  }

  #began(loaded: LoadedModule, { slot }: GuestMessage, carried: Carried): Carried {
    this.cells.began(loaded.id, slot)
    return carried
  }

  #keep(name: string, bytes: Uint8Array, { slot }: GuestMessage, isAutomatic: boolean): void {
    const { module } = this.cells.read()
    this.cells.keep({ name, slot, module, sizeBytes: bytes.length, isAutomatic }, bytes)
  }

  /** The open calls of the present program. One that cannot tell them is no reason to keep it. */
  #presentPending(rule: PendingRule, message: GuestMessage, succession: Succession): readonly unknown[] {
    if (this.#parts.present().loaded.stateForm !== 'document') return []
    let document: JsonDocument
    try {
      document = parseDocument(succession.export(message, PENDING_GAS_SHARE))
    } catch (error) {
      if (error instanceof GuestFailed || error instanceof ControlFailed) return []
      throw error
    }
    return allowedPending(document, rule)
  }
}

/** A program that never ends must not use up the gas of what takes its place. */
const PENDING_GAS_SHARE = 4n

function allowedPending(document: JsonDocument, rule: PendingRule): readonly unknown[] {
  const pending = pendingIn(document)
  if (rule === 'reject' || pending.length === 0) return pending
  const cure = 'wait for them, or have them rejected'
  throw new ControlFailed('pending-calls', `${pending.length} calls are open: ${cure}`)
}

/** @throws what is no fact about the process */
function endingOf(error: unknown, gas: bigint): Ending {
  // What a guest that never took over would put down is nothing of this process.
  if (error instanceof GuestFailed) return { ...error.ending, gas, note: undefined }
  const isFact = error instanceof ControlFailed || error instanceof GuestLimit
  if (isFact || Failure.is(error, 'bad-control')) {
    const { code, message } = error
    return { status: 'error', gas, error: { code, message } }
  }
  throw error
}

const unknownSnapshot = (name: string): ControlFailed =>
  new ControlFailed('unknown-snapshot', `the process keeps no snapshot "${name}"`)
