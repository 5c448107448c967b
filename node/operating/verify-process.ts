import { childProcessHosts, type FrameOutcome, HostSeat, modulesNamedIn } from '../../compute-unit/index.ts'
import {
  type CallOptions,
  describeModule,
  EMPTY_ROOT,
  EVALUATION_WALL_MAX_MS,
  Failure,
  frameHash,
  installCrypto,
  type ModuleDescription,
  type ModuleId,
  type ProcessDescription,
  type ProcessId,
  parseDataItem,
  readFrameHead,
  type Slot,
  verifyDataItem,
} from '../../protocol/index.ts'
import { certificateDifference } from './certificate-difference.ts'
import { type CheckedFrame, FeedCheck, VerifyFault } from '../following/feed-check.ts'
import { type HostProgram, hostProgram } from '../programs/host-program.ts'
import { KnownProcesses } from '../learning/known-processes.ts'
import { nativeCrypto } from '../crypto/native-crypto.ts'
import type { ProcessSource, SourcedCertificate } from '../learning/process-source.ts'

/** State root and gas after one slot. */
export interface VerifiedStep {
  readonly slot: Slot
  readonly stateRoot: Uint8Array
  readonly gas: bigint
}

/** What came of a verification. */
export interface VerifyReport {
  readonly process: ProcessId
  /** Slots and frames that were evaluated and found right. */
  readonly slots: Slot
  readonly frames: number
  /** How many of those frames had a certificate. */
  readonly certified: number
  readonly ok: boolean
  /** After the last slot that was found right; zero, if there was none. */
  readonly stateRoot: Uint8Array
  readonly gas: bigint
  /** Where the first fault stands; `slot` is the first of its frame, if it cannot be told apart. */
  readonly firstFault?: { readonly slot: Slot; readonly what: string }
  /** After each slot, if asked for. */
  readonly steps: readonly VerifiedStep[]
  readonly ms: number
}

export interface VerifyOptions extends Pick<CallOptions, 'signal'> {
  /** Told after each frame. */
  readonly onProgress?: ((progress: { readonly slots: Slot; readonly frames: number }) => void) | undefined
  /** The last slot to look at: the rest of its frame is evaluated too, and what follows is not. */
  readonly to?: Slot | undefined
  /** Keep state root and gas of each slot. */
  readonly steps?: boolean | undefined
  /** Where guests run; a fresh host of this machine, unless named. */
  readonly host?: HostProgram | undefined
}

/** Frames that are with the host at once. */
const WINDOW = 8

/**
 * Verifies a process from its first slot on, believing nobody: the process id follows from the spawn message, each
 * signature and certificate in the feed holds, its scheduler signed the feed as a whole, slots have no gaps and timestamps do not decrease; everything is
 * evaluated again in a fresh host, and each certificate says what came of its frame. Ends at the first fault.
 * @throws {Failure} `host-fault` if this machine cannot evaluate it, `aborted`
 */
export async function verifyProcess(source: ProcessSource, options: VerifyOptions = {}): Promise<VerifyReport> {
  const startedMs = performance.now()
  installCrypto(nativeCrypto)
  const progress = new Progress(source.process)
  await using seat = new HostSeat({
    open: childProcessHosts(options.host ?? hostProgram()),
    wallMaxMs: EVALUATION_WALL_MAX_MS,
    onExit: () => undefined,
  })
  try {
    await new Verification(source, seat, options, progress).run()
  } catch (error) {
    if (!(error instanceof VerifyFault)) throw error
    progress.fault = { slot: error.slot, what: error.message }
  }
  return progress.report(performance.now() - startedMs)
}

class Progress {
  readonly process: ProcessId
  readonly steps: VerifiedStep[] = []
  slots = 0
  frames = 0
  certified = 0
  stateRoot: Uint8Array = EMPTY_ROOT
  gas = 0n
  fault: { slot: Slot; what: string } | undefined

  constructor(process: ProcessId) {
    this.process = process
  }

  report(ms: number): VerifyReport {
    const { process, slots, frames, certified, stateRoot, gas, steps, fault } = this
    const report = {
      process,
      slots,
      frames,
      certified,
      ok: fault === undefined,
      stateRoot,
      gas,
      steps,
      ms,
    }
    return fault === undefined ? report : { ...report, firstFault: fault }
  }
}

interface Asked {
  readonly frame: CheckedFrame
  readonly outcome: Promise<FrameOutcome>
}

class Verification {
  readonly #source: ProcessSource
  readonly #seat: HostSeat
  readonly #options: VerifyOptions
  readonly #progress: Progress
  readonly #asked: Asked[] = []
  #certificates: AsyncIterator<SourcedCertificate> | undefined

  constructor(source: ProcessSource, seat: HostSeat, options: VerifyOptions, progress: Progress) {
    this.#source = source
    this.#seat = seat
    this.#options = options
    this.#progress = progress
  }

  async run(): Promise<void> {
    const known = new KnownProcesses(this.#source)
    const process = await this.#describe(known)
    const spawn = await this.#open(process)
    const check = new FeedCheck(process, spawn, known, await this.#source.head())
    this.#certificates = this.#source.certificates()[Symbol.asyncIterator]()
    try {
      await this.#evaluate(process, check)
    } finally {
      await this.#certificates.return?.()
    }
  }

  async #evaluate(process: ProcessDescription, check: FeedCheck): Promise<void> {
    let fault: VerifyFault | undefined
    let isFarEnough = false
    for await (const bytes of this.#source.frames()) {
      this.#continue()
      // What came since is not signed yet.
      if (check.isComplete) break
      try {
        // Asked for below: until then they stay loaded.
        using _modules = isFarEnough ? undefined : await this.#loadNamed(bytes, process)
        if (isFarEnough) check.skip(bytes)
        else this.#ask(await check.next(bytes))
        isFarEnough ||= this.#isFarEnough(bytes)
      } catch (error) {
        // What stands before the fault is evaluated all the same: a wrong certificate there comes first.
        if (!(error instanceof VerifyFault)) throw error
        fault = error
        break
      }
      if (this.#asked.length >= WINDOW) await this.#compareOldest(process)
    }
    fault ??= check.end()
    while (this.#asked.length > 0) await this.#compareOldest(process)
    if (fault !== undefined) throw fault
    if (this.#progress.frames === 0) throw new VerifyFault(0, 'the feed is empty')
  }

  async #describe(known: KnownProcesses): Promise<ProcessDescription> {
    const { process: id } = this.#source
    try {
      const process = await known.process(id)
      if (process !== undefined) return process
    } catch (error) {
      throw VerifyFault.from(0, error)
    }
    throw new VerifyFault(0, `the spawn message of ${id} is not at hand`)
  }

  /** Opens the process in the host; gives the spawn message. */
  async #open(process: ProcessDescription): Promise<Uint8Array> {
    const module = await this.#module(process.module, 0)
    const spawn = await this.#source.spawnEnvelope(process.id)
    if (spawn === undefined) throw new VerifyFault(0, `the spawn message of ${process.id} is not at hand`)
    using _own = this.#seat.pin(module.id)
    await this.#seat.load(module)
    await this.#seat.ask({
      kind: 'open',
      process: process.id,
      module: module.id,
      spawn,
      snapshot: undefined,
    })
    return spawn
  }

  /** Upgrades name the modules they need. */
  async #loadNamed(frame: Uint8Array, process: ProcessDescription): Promise<Disposable> {
    using pins = new DisposableStack()
    for (const id of modulesNamedIn(frame, process)) {
      pins.use(this.#seat.pin(id))
      await this.#seat.load(await this.#module(id, readFrameHead(frame).firstSlot))
    }
    return pins.move()
  }

  async #module(id: ModuleId, slot: Slot): Promise<ModuleDescription> {
    const bytes = await this.#source.moduleItem(id)
    if (bytes === undefined) throw new VerifyFault(slot, `module ${id} is not at hand`)
    try {
      const item = parseDataItem(bytes)
      if (item.id !== id) throw new Error(`the module is ${item.id}, not ${id}`)
      if (!verifyDataItem(item)) throw new Error('the signature on the module does not hold')
      return describeModule(item)
    } catch (error) {
      throw VerifyFault.from(slot, error)
    }
  }

  #ask(frame: CheckedFrame): void {
    const { bytes, verdicts } = frame
    const steps = this.#options.steps === true
    const request = {
      kind: 'evaluate' as const,
      process: this.#source.process,
      frame: bytes,
      verdicts,
      steps,
    }
    const outcome = this.#seat.ask(request).then(answer => {
      if (answer.kind === 'evaluated') return answer.outcome
      throw new Failure('host-fault', { answer: answer.kind })
    })
    outcome.catch(() => undefined)
    this.#asked.push({ frame, outcome })
  }

  async #compareOldest(process: ProcessDescription): Promise<void> {
    const oldest = this.#asked.shift()
    if (oldest === undefined) return
    this.#continue()
    const { frame } = oldest
    const outcome = await oldest.outcome
    const certificate = await this.#certificates?.next()
    if (certificate?.done === false) {
      const what = certificateDifference(certificate.value, process, {
        frameHash: frameHash(frame.bytes),
        outcome,
      })
      if (what !== undefined) throw new VerifyFault(frame.firstSlot, what)
      this.#progress.certified += 1
    }
    this.#count(frame, outcome)
  }

  #count(frame: CheckedFrame, outcome: FrameOutcome): void {
    const progress = this.#progress
    for (const [i, step] of outcome.steps.entries()) progress.steps.push({ slot: frame.firstSlot + i, ...step })
    progress.slots = frame.firstSlot + frame.verdicts.length
    progress.frames += 1
    progress.stateRoot = outcome.stateRoot
    progress.gas += outcome.gas
    this.#options.onProgress?.({ slots: progress.slots, frames: progress.frames })
  }

  #isFarEnough(frame: Uint8Array): boolean {
    const { firstSlot, count } = readFrameHead(frame)
    return firstSlot + count > (this.#options.to ?? Number.POSITIVE_INFINITY)
  }

  #continue(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) throw new Failure('aborted', {}, { cause: signal.reason })
  }
}
