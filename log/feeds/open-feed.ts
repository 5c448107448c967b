import type Hypercore from 'hypercore'

/** A Hypercore that is open, or is being opened, and how many calls use it. */
export class OpenFeed {
  readonly core: Promise<Hypercore>
  /** Calls that use it now; it is not closed meanwhile. */
  users = 0
  /** It could not be opened. */
  failed = false
  #opened: Hypercore | undefined

  constructor(core: Promise<Hypercore>) {
    this.core = core
    core.then(
      opened => {
        this.#opened = opened
      },
      () => {
        this.failed = true
      },
    )
  }

  get isClosed(): boolean {
    return this.#opened !== undefined && this.#opened.closing !== null
  }
}
