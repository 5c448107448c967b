import { ProgramStop } from './program-stop.ts'

/**
 * Gas of one run: of the host's work before and after the program, and, while the program runs, of the
 * program's own code too, which counts in a global of its instance.
 */
export class GasMeter {
  readonly limit: bigint
  #left: bigint
  #global: WebAssembly.Global<'i64'> | undefined

  constructor(limit: bigint) {
    this.limit = limit
    this.#left = limit
  }

  /** Below zero if it did not reach. */
  get left(): bigint {
    return this.#global?.value ?? this.#left
  }

  get used(): bigint {
    return this.limit - this.left
  }

  /** @throws {ProgramStop} `out-of-gas` */
  readonly charge = (gas: number): void => {
    const left = this.left - BigInt(gas)
    if (this.#global === undefined) this.#left = left
    else this.#global.value = left
    if (left < 0n) throw outOfGas()
  }

  /** From now on the program counts. */
  lend(global: WebAssembly.Global<'i64'>): void {
    global.value = this.#left
    this.#global = global
  }

  /** The program has ended, or what ran elsewhere left this much. */
  takeBack(left: bigint = this.left): void {
    this.#left = left
    this.#global = undefined
  }
}

export const outOfGas = (): ProgramStop => new ProgramStop('out-of-gas', 'the gas limit was reached')
