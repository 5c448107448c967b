import {
  beginEpoch,
  type Clock,
  Failure,
  type Log,
  type ProcessDescription,
  type ProcessId,
  toUtf8,
} from '../../protocol/index.ts'
import type { ProcessTurns } from '../following/process-turns.ts'

/** Pauses before what follows from a record is tried again, and how often it is. */
const AGAIN_MIN_MS = 1_000
const AGAIN_MAX_MS = 60_000
const ATTEMPTS_MAX = 10

/** What depends on who schedules a process. */
export interface MovingUnits {
  /** Nothing more is added to the feed of a process; resolves when all that was taken has its slot. */
  hold(process: ProcessId): Promise<void>
  /** It may be added to again. */
  release(process: ProcessId): void
  /** The process is in a new epoch; of its feed there is what was held of earlier ones, or nothing yet. */
  moved(process: ProcessDescription): Promise<void>
}

export interface EpochEffectsParts {
  readonly log: Log
  readonly clock: Pick<Clock, 'sleep'>
  readonly turns: ProcessTurns
  readonly units: MovingUnits
  /** Told of a process that is in a new epoch, once the units are. */
  readonly moved: (process: ProcessDescription) => void
  readonly trouble: (what: string, failure: Failure) => void
}

/** What follows here from a process being in a new epoch. All of it can be done again: after a crash it is done at the start. */
export class EpochEffects {
  readonly #parts: EpochEffectsParts

  constructor(parts: EpochEffectsParts) {
    this.#parts = parts
  }

  get units(): MovingUnits {
    return this.#parts.units
  }

  /** In a turn of the process. What fails is tried again a little later; nothing stays held for good. */
  async follow(process: ProcessDescription, attempt = 1): Promise<void> {
    const { log, units, clock, turns, trouble } = this.#parts
    try {
      await this.#do(process)
    } catch (error) {
      trouble(`handover of ${process.id}`, Failure.from(error))
      // Its lane opens only once its feed has all that it begins with.
      if (attempt >= ATTEMPTS_MAX) return units.release(process.id)
      const again = async (): Promise<void> => {
        const now = await log.directory.process(process.id)
        if (now?.epoch === process.epoch) await this.follow(now, attempt + 1)
      }
      void clock
        .sleep(Math.min(AGAIN_MIN_MS * 2 ** (attempt - 1), AGAIN_MAX_MS), { for: 'wait' })
        .then(() => turns.take(process.id, again))
        .catch(failure => trouble(`handover of ${process.id}`, Failure.from(failure)))
    }
  }

  async #do(process: ProcessDescription): Promise<void> {
    const { log, units, moved } = this.#parts
    const key = toUtf8(`node/epoch/${process.id}`)
    const [done] = (await log.store.get(key)) ?? []
    // What the units know is written in order: once this is there, the rest is.
    const isNew = done !== process.epoch % 256
    await beginEpoch(log, process, { isNew })
    if (isNew) {
      await units.moved(process)
      log.store.write([{ key, value: new Uint8Array([process.epoch % 256]) }])
    }
    moved(process)
  }
}
