import type {
  CallOptions,
  Lifecycle,
  ProcessDescription,
  QueryAnswer,
  QueryMessage,
  Slot,
  StateAnswer,
  Timer,
  UpgradeCheck,
  UpgradeWish,
} from '../protocol/index.ts'
import { type AgreeingParts, agreeing } from './agreeing.ts'

/** What the compute units of one process, all elsewhere, say of its state: what enough of them say alike. */
export class RemoteState {
  readonly #parts: AgreeingParts
  readonly #process: ProcessDescription

  constructor(parts: AgreeingParts, process: ProcessDescription) {
    this.#parts = parts
    this.#process = process
  }

  async query(
    message: QueryMessage,
    { at, ...options }: CallOptions & { at?: Slot | undefined } = {},
  ): Promise<QueryAnswer> {
    const { error, ...answer } = await agreeing(this.#parts, this.#process, { kind: 'query', message, at }, options)
    return { ...answer, error }
  }

  async state(at?: Slot, options: CallOptions = {}): Promise<StateAnswer> {
    const { stateRoot, ...state } = await agreeing(this.#parts, this.#process, { kind: 'state', at }, options)
    return { ...state, stateRoot }
  }

  lifecycle(): Promise<Lifecycle> {
    return agreeing(this.#parts, this.#process, { kind: 'lifecycle' })
  }

  async timers(): Promise<readonly Timer[]> {
    const { timers } = await agreeing(this.#parts, this.#process, { kind: 'timers' })
    return timers.map(({ key, dueMs, everyMs }) => ({ key: key as Timer['key'], dueMs, everyMs }))
  }

  async checkUpgrade(wish: UpgradeWish, options: CallOptions = {}): Promise<UpgradeCheck> {
    return (await agreeing(this.#parts, this.#process, { kind: 'checkUpgrade', wish }, options)) as UpgradeCheck
  }

  async cell(key: Uint8Array): Promise<Uint8Array | undefined> {
    return (await agreeing(this.#parts, this.#process, { kind: 'cell', key })).value
  }
}
