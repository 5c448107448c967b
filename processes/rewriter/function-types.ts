import type { FunctionType, ValueType } from './value-types.ts'

/** The module's function types, and those that added code needs. */
export class FunctionTypes {
  readonly #types: FunctionType[]
  readonly #originals: number
  readonly #byKey = new Map<string, number>()

  constructor(types: readonly FunctionType[]) {
    this.#types = [...types]
    this.#originals = types.length
    types.forEach((type, index) => {
      this.#byKey.set(keyOf(type.params, type.results), index)
    })
  }

  get added(): readonly FunctionType[] {
    return this.#types.slice(this.#originals)
  }

  indexOf(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = keyOf(params, results)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const index = this.#types.push({ params, results }) - 1
    this.#byKey.set(key, index)
    return index
  }
}

const keyOf = (params: readonly ValueType[], results: readonly ValueType[]): string =>
  `${params.join()}:${results.join()}`
