import type { KeyId } from '../../protocol/index.ts'

/** One thing after the other: what is decided here, and what each of the others has this node look at. */
export class Turns {
  #own: Promise<unknown> = Promise.resolve()
  readonly #lanes = new Map<KeyId, Promise<unknown>>()

  /** Decides something, once what came before is decided. Nobody may be waited for in it. */
  decide<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#own.then(body)
    this.#own = turn.catch(() => undefined)
    return turn
  }

  /** Looks at what one of the others says, once what it said before was looked at. */
  lookFor<T>(other: KeyId, body: () => Promise<T>): Promise<T> {
    const turn = (this.#lanes.get(other) ?? Promise.resolve()).then(body)
    this.#lanes.set(
      other,
      turn.catch(() => undefined),
    )
    return turn
  }
}
