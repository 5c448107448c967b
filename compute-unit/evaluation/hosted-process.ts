import {
  type AssignmentOutline,
  CborWriter,
  type CellKey,
  type Control,
  DOCUMENT_SIZE_MAX_BYTES,
  domainHash,
  type Ending,
  type EnvelopeOutline,
  FUEL_PER_MESSAGE,
  GAS_PER_QUERY_MAX,
  type Guest,
  type GuestMessage,
  type Lifecycle as LifecycleFacts,
  type ModuleId,
  outlineFrame,
  outlinePushCore,
  type ProcessDescription,
  type PushCoreOutline,
  QUERY_OUTPUT_MAX_BYTES,
  type QueryMessage,
  placeId,
  type Result,
  type ResultStatus,
  type Slot,
  type Timer,
} from '../../protocol/index.ts'
import { boundedRun } from './bounded-run.ts'
import { CellStore, type HeldTimer, toCellKey } from './cells.ts'
import { readCrons } from './cron.ts'
import type { FrameOutcome, ProcessSnapshot, SnapshotDelta, Verdict } from './frame-outcome.ts'
import { guestMessage, type Place } from './guest-messages.ts'
import { Lifecycle } from './lifecycle.ts'
import { controlOf } from './lifecycle-messages.ts'
import type { LoadedModule, ModuleShelf } from './loaded-module.ts'
import { logHashAfter } from './log-hash.ts'
import { Mailbox } from './mailbox.ts'
import { MessageIds, messageId } from './message-ids.ts'
import { ResultsWriter } from './results-writer.ts'
import { RunningGuest } from './running-guest.ts'
import { SlotContext } from './slot-context.ts'
import { boundedError, emptyResult, wellFormed } from './slot-result.ts'
import type { Successor } from './succession.ts'

const NO_BYTES = new Uint8Array(0)
const NOTHING: readonly never[] = []

/**
 * One process, loaded: folds assignments into state.
 *
 * 1. (state, assignment) → (state, result), and nothing else goes in: time is the slot's timestamp.
 * 2. The mailbox's book-keeping of a slot stands even if the guest fails; all the guest did does not. A timer whose slot failed may ring again.
 * 3. Whatever it throws leaves this object unusable.
 */
export class HostedProcess {
  readonly #process: ProcessDescription
  #running: RunningGuest
  readonly #lifecycle: Lifecycle
  readonly #cells = new CellStore()
  readonly #mailbox = new Mailbox(this.#cells)
  readonly #context: SlotContext
  #slots: Slot = 0
  #logHash: Uint8Array = NO_BYTES
  #timersChanged = true
  #lifecycleChanged: boolean

  private constructor(
    process: ProcessDescription,
    loaded: LoadedModule,
    snapshot: ProcessSnapshot | undefined,
    modules: ModuleShelf,
  ) {
    this.#process = process
    this.#context = new SlotContext({
      process,
      cells: this.#cells.program,
      mailbox: this.#mailbox,
      timersChanged: () => {
        this.#timersChanged = true
      },
    })
    this.#lifecycle = new Lifecycle({
      process,
      cells: this.#cells,
      mailbox: this.#mailbox,
      modules,
      present: () => this.#running,
      run: (guest, message, limit) => {
        this.#context.begin(message.slot, message.timestampMs)
        return boundedRun(guest, message, this.#context, limit, DOCUMENT_SIZE_MAX_BYTES)
      },
    })
    // Copies: what came over the pipe lies in large pieces, which a cell of a few bytes would keep.
    this.#cells.restore((snapshot?.cells ?? []).map(([key, value]) => [key, value.slice()]))
    const { module } = this.#lifecycle.cells.read()
    if (module !== loaded.id) throw new Error(`the state is of module ${module}, not ${loaded.id}`)
    this.#lifecycleChanged = this.#lifecycle.cells.isUsed
    this.#running = RunningGuest.open(process, loaded, snapshot)
    if (snapshot === undefined) return
    this.#slots = snapshot.slots
    this.#logHash = snapshot.logHash.slice()
  }

  /** `modules` gives those that are loaded here, for upgrades. @throws {Error} if the state is of another module */
  static open(
    process: ProcessDescription,
    loaded: LoadedModule,
    snapshot?: ProcessSnapshot,
    modules: ModuleShelf = () => undefined,
  ): HostedProcess {
    return new HostedProcess(process, loaded, snapshot, modules)
  }

  get #guest(): Guest {
    return this.#running.guest
  }

  /** The module that runs now. */
  get module(): ModuleId {
    return this.#running.loaded.id
  }

  get slots(): Slot {
    return this.#slots
  }

  get sizeBytes(): number {
    return this.#running.sizeBytes + this.#cells.sizeBytes
  }

  /**
   * Evaluates a frame that continues the feed. `alive` is called after each slot.
   * @throws {TooLong} if a slot takes more than `patienceGas`: this object is of no use then
   */
  evaluate(
    frameBytes: Uint8Array,
    verdicts: readonly Verdict[],
    options: { alive?: () => void; steps?: boolean; patienceGas?: bigint | undefined } = {},
  ): FrameOutcome {
    const { firstSlot, assignments } = outlineFrame(frameBytes)
    if (firstSlot !== this.#slots) throw new Error(`expected slot ${this.#slots}, got ${firstSlot}`)
    this.#context.patienceGas = options.patienceGas
    const ids = new MessageIds(frameBytes, assignments, position => verdicts[position]?.status !== 'refused')
    const results = new ResultsWriter(assignments.length)
    const sends: number[] = []
    const steps: { stateRoot: Uint8Array; gas: bigint }[] = []
    let gas = 0n
    for (let position = 0; position < assignments.length; position++) {
      const assignment = assignments[position]
      const verdict = verdicts[position]
      if (assignment === undefined || verdict === undefined) throw new Error('an assignment without a verdict')
      const place = { process: this.#process, slot: this.#slots, timestampMs: assignment.timestampMs }
      const result = this.#evaluateSlot(assignment, place, verdict, ids, position)
      this.#slots += 1
      gas += result.gas
      results.add(wellFormed(result))
      if (result.outbox.length + result.assigns.length > 0) sends.push(position)
      if (options.steps === true) steps.push({ stateRoot: this.stateRoot(), gas: result.gas })
      options.alive?.()
    }
    this.#logHash = logHashAfter(this.#logHash, frameBytes)
    const stateRoot = this.stateRoot()
    // The log counts frames: after its last slot the state is that of the whole frame.
    const last = steps.pop()
    if (last !== undefined) steps.push({ ...last, stateRoot })
    const timers = this.#timersChanged ? this.#mailbox.timers() : undefined
    this.#timersChanged = false
    const lifecycle = this.#lifecycleChanged ? this.lifecycle() : undefined
    this.#lifecycleChanged = false
    const { bytes: resultsBytes, root: resultsRoot } = results.finish()
    const count = assignments.length
    return { firstSlot, count, resultsBytes, sends, resultsRoot, stateRoot, gas, timers, lifecycle, steps }
  }

  /** Runs a message on the present state and undoes it. @throws {TooLong} as `evaluate` does */
  query(message: QueryMessage, timestampMs: number, patienceGas?: bigint): Ending & { log: string } {
    this.#context.patienceGas = patienceGas
    const slot = Math.max(0, this.#slots - 1)
    const guestMessage: GuestMessage = {
      ...message,
      kind: 'query',
      slot,
      timestampMs: message.timestampMs ?? timestampMs,
      target: this.#process.id,
      fromProcess: undefined,
      fromModule: undefined,
      anchor: message.anchor,
      signature: undefined,
      origin: placeId(this.#process.id, slot),
      depth: 0,
      timer: undefined,
    }
    const context = this.#context
    context.begin(slot, guestMessage.timestampMs)
    const gasLimit = this.#gasLimit(GAS_PER_QUERY_MAX)
    const ending = boundedRun(this.#guest, guestMessage, context, gasLimit, QUERY_OUTPUT_MAX_BYTES)
    this.#guest.discard()
    this.#cells.discard()
    const log = context.logged.toWellFormed()
    return ending.status === 'error' ? { ...ending, error: boundedError(ending.error), log } : { ...ending, log }
  }

  /** The state as the program tells it, in a run that is undone. */
  exportDocument(timestampMs: number): Ending {
    this.#context.patienceGas = undefined
    return this.#lifecycle.document(GAS_PER_QUERY_MAX, timestampMs, Math.max(0, this.#slots - 1))
  }

  /** Carries out what `message` asks for, outside of any slot: this object is a copy from then on. */
  rehearse(message: GuestMessage): Ending {
    this.#context.patienceGas = undefined
    const { ending, successor } = this.#lifecycle.carryOut(message, this.#gasLimit(FUEL_PER_MESSAGE))
    if (ending.status === 'error') this.#cells.discard()
    else {
      if (successor !== undefined) this.#succeed(successor)
      this.#cells.keep()
    }
    return ending
  }

  lifecycle(): LifecycleFacts {
    return this.#lifecycle.cells.read()
  }

  get description(): ProcessDescription {
    return this.#process
  }

  /** Value of a guest's cell. */
  cell(key: CellKey): Uint8Array | undefined {
    return this.#cells.program.get(key)
  }

  /** The whole linear memory. */
  memory(): Uint8Array {
    const { pages } = this.#guest
    const memory = new Uint8Array(pages * 65_536)
    for (let index = 0; index < pages * 16; index++) memory.set(this.#guest.chunk(index), index * 4096)
    return memory
  }

  /** Root over memory, engine state, cells and the log so far. */
  stateRoot(): Uint8Array {
    const memoryRoot = this.#running.memoryRoot()
    const writer = new CborWriter()
    writer.array(6)
    writer.bytes(memoryRoot)
    writer.uint(this.#guest.pages)
    writer.bytes(this.#running.engineHash())
    writer.bytes(this.#cells.root())
    writer.bytes(this.#logHash)
    writer.uint(this.#slots)
    return writer.lend(state => domainHash('atoll/state/1', state))
  }

  /** What changed since the last call, for a checkpoint; valid until the next evaluation. */
  takeDelta(): SnapshotDelta {
    const stateRoot = this.stateRoot()
    const chunks = this.#running.takeChunks()
    const { pages } = this.#guest
    const engine = this.#guest.engine()
    const { module, since } = this.#lifecycle.cells.read()
    return {
      slots: this.#slots,
      module,
      since,
      pages,
      engine,
      logHash: this.#logHash,
      chunks,
      cells: this.#cells.takeChanged(),
      stateRoot,
    }
  }

  timers(): Timer[] {
    return this.#mailbox.timers()
  }

  close(): void {
    this.#guest.close()
  }

  #evaluateSlot(
    assignment: AssignmentOutline,
    place: Place,
    verdict: Verdict,
    ids: MessageIds,
    position: number,
  ): Result {
    const { envelope } = assignment
    const id = ids.at(position)
    const named = verdict.status === 'refused' ? undefined : messageId(envelope, id, place)
    if (verdict.status !== 'ok') return emptyResult(place.slot, verdict.status, named)
    const core = envelope.kind === 'push' ? outlinePushCore(envelope.core) : undefined
    const fired = envelope.kind === 'tick' ? this.#fire(envelope, assignment.timestampMs) : undefined
    const isIdle = envelope.kind === 'tick' && fired === undefined
    const noEffect = isIdle ? 'idle' : this.#receive(assignment, core, place)
    this.#cells.keep()
    if (noEffect !== undefined) return emptyResult(place.slot, noEffect, named)
    const request = ids.requestAt(position)
    const message = guestMessage(assignment, id, core, place, verdict.sender, request, fired?.failures)
    if (message === undefined) return emptyResult(place.slot, 'reject', named)
    const control = controlOf(envelope, message, this.#process)
    return this.#runSlot({ message, named, place, fuel: fuelOf(envelope, core), control, fired })
  }

  /** The mailbox's part of a slot; gives the status if the slot has no further effect. */
  #receive(
    { envelope, timestampMs }: AssignmentOutline,
    core: PushCoreOutline | undefined,
    place: Place,
  ): ResultStatus | undefined {
    if (place.slot === 0 && (envelope.kind === 'item' || core !== undefined)) this.#startCrons(timestampMs)
    if (core !== undefined) return this.#mailbox.receive(core.from, core.seq)
    if (envelope.kind === 'reject') return this.#mailbox.receive(envelope.from, envelope.seq)
    return undefined
  }

  #fire({ timer, dueMs }: Extract<EnvelopeOutline, { kind: 'tick' }>, timestampMs: number): HeldTimer | undefined {
    this.#timersChanged = true
    return this.#mailbox.fire(toCellKey(timer), dueMs, timestampMs)
  }

  #startCrons(timestampMs: number): void {
    for (const cron of readCrons(this.#process.tags, timestampMs)) this.#mailbox.setTimer(cron.timer)
    this.#timersChanged = true
  }

  #runSlot({ message, named, place, fuel, control, fired }: SlotRun): Result {
    const context = this.#context
    context.begin(place.slot, place.timestampMs)
    const limit = this.#gasLimit(fuel)
    const carried = control && this.#lifecycle.carryOut(message, limit, control === 'tags' ? undefined : control)
    const ending = carried?.ending ?? boundedRun(this.#guest, message, context, limit)
    if (ending.status === 'error') {
      if (carried === undefined) this.#guest.discard()
      this.#cells.discard()
      ending.note?.()
      if (fired !== undefined && this.#guest.ringsAgain === true) this.#mailbox.ringAgain(fired, place.timestampMs)
      this.#cells.keep()
      const error = boundedError(ending.error)
      const output = ending.output ?? NO_BYTES
      return { ...emptyResult(place.slot, 'error', named), gas: ending.gas, error, output, log: context.logged }
    }
    const { sent } = context
    const outbox = sent?.seal(this.#mailbox, message, fuel, ending.gas) ?? NOTHING
    if (carried === undefined) this.#guest.keep()
    else if (carried.successor !== undefined) this.#succeed(carried.successor)
    this.#timersChanged ||= carried !== undefined
    this.#lifecycleChanged ||= carried !== undefined
    this.#cells.keep()
    return {
      slot: place.slot,
      message: named,
      status: 'ok',
      gas: ending.gas,
      error: undefined,
      output: ending.output,
      log: context.logged,
      outbox,
      assigns: sent?.assigns ?? NOTHING,
      dropped: sent?.dropped ?? NOTHING,
    }
  }

  #succeed(successor: Successor): void {
    const former = this.#guest
    this.#running = RunningGuest.succeed(successor)
    former.close()
  }

  #gasLimit(fuel: bigint): bigint {
    const { gasPerSlotMax } = this.#running
    return fuel < gasPerSlotMax ? fuel : gasPerSlotMax
  }
}

/** One run of a guest: `named` is the id that its result carries. */
interface SlotRun {
  readonly message: GuestMessage
  readonly named: Uint8Array | undefined
  readonly place: Place
  readonly fuel: bigint
  readonly control: Control | 'tags' | undefined
  /** Of a tick. */
  readonly fired: HeldTimer | undefined
}

/** What a message may spend, itself and through what it causes; being assigned makes it no richer. */
function fuelOf(envelope: EnvelopeOutline, core: PushCoreOutline | undefined): bigint {
  if (core !== undefined) return core.fuel
  if (envelope.kind !== 'assign' || envelope.message.kind !== 'push') return FUEL_PER_MESSAGE
  return envelope.message.push.core.fuel
}
