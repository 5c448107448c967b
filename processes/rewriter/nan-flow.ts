import type { CanonicalEdit } from './function-plan.ts'
import { UNKNOWN } from './value-types.ts'

/** Stands where an edit could: a constant that is no NaN, which no class minds. */
export const NO_NAN: CanonicalEdit = {
  kind: 'canonical',
  at: 0,
  type: UNKNOWN,
  vector: false,
  local: undefined,
  needed: false,
}

/**
 * Which locals of a function carry floats whose NaN bits matter.
 *
 * Compilers move whole words through float locals: half of a union, a tagged value. Bits that came
 * from memory, a parameter, a call or an integer must stay as they are, whatever number they spell.
 * Bits that arithmetic made must not be seen, because the engine chose them if they are a NaN's.
 *
 * So the locals of a function fall into classes (locals copied to each other share one). If words
 * come into a class, its arithmetic is made canonical where it arises, and nothing is where it is
 * read. If only arithmetic and constants come in, it is made canonical where it is seen.
 */
export class NanFlow {
  readonly #parents: number[] = []
  readonly #words: boolean[] = []
  /** Arithmetic that is assigned to a local. */
  readonly #assigned: { readonly edit: CanonicalEdit; readonly local: number }[] = []

  /** A local begins as zero, or as what a caller handed over. */
  declare(isParameter: boolean): void {
    this.#parents.push(this.#parents.length)
    this.#words.push(isParameter)
  }

  /** An operand goes to a local; `edit` is what would make it canonical, if it may need that. */
  assign(local: number, edit: CanonicalEdit | undefined): void {
    if (edit === NO_NAN) return
    if (edit === undefined) this.#words[this.#classOf(local)] = true
    else if (edit.local === undefined) this.#assigned.push({ edit, local })
    else this.#join(local, edit.local)
  }

  /** Decides every edit, once the whole function is known. */
  settle(edits: readonly { readonly kind: string }[]): void {
    for (const { edit, local } of this.#assigned) {
      if (this.#carriesWords(local)) edit.needed = true
    }
    for (const edit of edits) {
      if (!isCanonical(edit) || edit.local === undefined) continue
      if (this.#carriesWords(edit.local)) edit.needed = false
    }
  }

  #carriesWords(local: number): boolean {
    return this.#words[this.#classOf(local)] === true
  }

  /** Halves the way as it goes, or a hostile chain of copies would make this quadratic. */
  #classOf(local: number): number {
    let at = local
    for (let up = this.#parentOf(at); up !== at; up = this.#parentOf(at)) {
      this.#parents[at] = this.#parentOf(up)
      at = up
    }
    return at
  }

  #parentOf(local: number): number {
    return this.#parents[local] ?? local
  }

  #join(left: number, right: number): void {
    const one = this.#classOf(left)
    const other = this.#classOf(right)
    if (one === other) return
    this.#parents[one] = other
    this.#words[other] = this.#words[other] === true || this.#words[one] === true
  }
}

const isCanonical = (edit: { readonly kind: string }): edit is CanonicalEdit => edit.kind === 'canonical'
