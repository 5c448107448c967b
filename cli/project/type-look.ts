import { safeBlock } from '../showing/show-bytes.ts'
import type { Terminal } from '../terminal.ts'
import { typeErrors } from './type-errors.ts'

/** What came of a round: it runs, it was built and then refused, or its sources could not be read. */
export type RoundEnd = 'runs' | 'refused' | 'unread'

/** Looks at the types of a project beside its rounds: what is wrong with them is told, and holds nothing up. */
export class TypeLook implements Disposable {
  readonly #terminal: Terminal
  readonly #folder: string
  readonly #errorsOf: typeof typeErrors
  #running = new AbortController()
  #isToldWrong = false

  constructor(terminal: Terminal, folder: string, errorsOf = typeErrors) {
    this.#terminal = terminal
    this.#folder = folder
    this.#errorsOf = errorsOf
  }

  /** Begins a look, in place of one that is under way, and tells what it found once its round has ended. */
  look(round: Promise<RoundEnd>): void {
    this.#running.abort()
    this.#running = new AbortController()
    const { signal } = this.#running
    void Promise.all([this.#errorsOf(this.#folder, signal), round]).then(([lines, end]) => {
      // What cannot be read has been told with its place; the compiler would only say so once more.
      if (!signal.aborted && end !== 'unread') this.#tell(lines, end)
    })
  }

  #tell(lines: readonly string[], end: RoundEnd): void {
    const { err, paintErr } = this.#terminal
    const mended = this.#isToldWrong && lines.length === 0
    this.#isToldWrong = lines.length > 0
    if (mended) err(`${paintErr('green', '✔')} the types fit again\n`)
    if (lines.length === 0) return
    const all = end === 'runs' ? '; what was built runs all the same' : ''
    const told = lines.map(line => `  ${safeBlock(line)}\n`).join('')
    err(`${paintErr('red', '✖')} the types do not fit${all}\n${told}`)
  }

  [Symbol.dispose](): void {
    this.#running.abort()
  }
}
