/** `coming`: the journal has not been given it. `queued`: it waits there. `writing`: it is in the group that is being written. */
export type CommitState = 'coming' | 'queued' | 'writing' | 'durable' | 'failed'

/**
 * A commit as those know it who build on it before it is durable. Whoever commits makes one, the log tells it how far it has come.
 *
 * 1. It becomes durable with or after all that it builds on, never without; what builds on one that failed fails.
 * 2. What became durable or failed stays so, and forgets what it was built on.
 */
export class Commitment {
  #state: CommitState = 'coming'
  #builtOn: readonly Commitment[]

  constructor(builtOn: readonly Commitment[] = []) {
    this.#builtOn = builtOn
  }

  get state(): CommitState {
    return this.#state
  }

  /** Whether what the journal is given from now on stands behind it, and it may still become durable. */
  get isInLine(): boolean {
    return this.#state !== 'coming' && this.#state !== 'failed'
  }

  /** Whether all that it builds on is durable, or in the group that is being written. */
  get isFounded(): boolean {
    return this.#builtOn.every(({ state }) => state === 'durable' || state === 'writing')
  }

  /** It waits in the journal now, or is in the group that is being written. */
  advance(state: 'queued' | 'writing'): void {
    if (this.#state !== 'durable' && this.#state !== 'failed') this.#state = state
  }

  /** It has come to its end. */
  settle(state: 'durable' | 'failed'): void {
    if (this.#state === 'durable' || this.#state === 'failed') return
    this.#state = state
    this.#builtOn = []
  }
}

/** Frames on their way to the disk, as their scheduler tells of them. */
export interface UnderWay {
  readonly commitment: Commitment
  /** Whether they got there; told after all who must know it first. */
  readonly done: Promise<boolean>
  /** One of them was evaluated: nobody is busy with it any more. */
  evaluated(): void
}
