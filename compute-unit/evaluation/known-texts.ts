/** Kept at most; all are let go of when they are too many, since those that recur come back at once. */
const KEPT_MAX = 4096
/** Long texts recur less, and are worth more memory than time. */
const TEXT_MAX_CHARACTERS = 128

/** What is made of texts that recur, and of nothing else: made once, until there are too many. */
export class KnownTexts<Value> {
  readonly #make: (text: string) => Value
  readonly #known = new Map<string, Value>()

  constructor(make: (text: string) => Value) {
    this.#make = make
  }

  of(text: string): Value {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const made = this.#make(text)
    if (text.length > TEXT_MAX_CHARACTERS) return made
    if (this.#known.size >= KEPT_MAX) this.#known.clear()
    this.#known.set(text, made)
    return made
  }
}
