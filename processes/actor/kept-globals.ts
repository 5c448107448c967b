import type { GlobalValues } from './engine-state.ts'
import { WATCHED } from './kept-globals-code.ts'

/**
 * The gas of an instance, and its mutable globals with what they were when they were last kept. It is a small instance of
 * WebAssembly itself: each of them by the engine's own interface is a call out of compiled code, a tenth of a short slot in all.
 */
export class KeptGlobals {
  readonly #globals: readonly WebAssembly.Global[]
  /** Sets the gas; whole numbers below 2^53. */
  readonly setGas: (limit: number) => void
  /** What of `limit` is spent, with `more` beside it; `limit` and one, if the gas is below zero. */
  readonly spent: (limit: number, more: number) => bigint
  /** What the globals are now is kept. */
  readonly keep: () => void
  /** The globals are what was kept. */
  readonly restore: () => void
  /** 1 if a bit of them differs from what was kept. */
  readonly isChanged: () => number

  /** `module` is that of the types of `globals`. */
  constructor(module: WebAssembly.Module, gas: WebAssembly.Global, globals: readonly WebAssembly.Global[]) {
    this.#globals = globals
    const watched = Object.fromEntries(globals.map((global, index) => [String(index), global]))
    const { exports } = new WebAssembly.Instance(module, { [WATCHED]: { gas, ...watched } })
    this.setGas = exports['setGas'] as KeptGlobals['setGas']
    this.spent = exports['spent'] as KeptGlobals['spent']
    this.keep = exports['keep'] as KeptGlobals['keep']
    this.restore = exports['restore'] as KeptGlobals['restore']
    this.isChanged = exports['isChanged'] as KeptGlobals['isChanged']
  }

  read(): GlobalValues {
    return this.#globals.map(global => global.value as number | bigint)
  }

  /** Sets and keeps them. */
  write(values: GlobalValues): void {
    for (const [index, global] of this.#globals.entries()) global.value = values[index]
    this.keep()
  }
}
