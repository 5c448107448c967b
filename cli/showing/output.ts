import { encodeAnswer, Failure } from '../../protocol/index.ts'
import type { Terminal } from '../terminal.ts'

export const OUTPUT_FORMATS = ['text', 'json', 'ndjson'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** Version of every document that commands print. */
const DOCUMENT_VERSION = 1

/** Standard output of a command: text for people, or documents with `$type` and `v` for programs. */
export class Output {
  readonly format: OutputFormat
  readonly #terminal: Terminal

  constructor(format: OutputFormat, terminal: Terminal) {
    this.format = format
    this.#terminal = terminal
  }

  /** Prints one document, a line of JSON; or `text`, made only if it is wanted. */
  document(type: string, value: object, text: () => string): void {
    this.#terminal.out(this.format === 'text' ? endLine(text()) : this.#line(type, value))
  }

  /**
   * Prints things of one kind: a table for people, one document with all of them (`json`), or one document for
   * each (`ndjson`).
   */
  list(type: string, name: string, values: readonly object[], text: () => string): void {
    if (this.format === 'ndjson') for (const value of values) this.#terminal.out(this.#line(type, value))
    else this.document(`${type}.list`, { [name]: values }, text)
  }

  /** Prints text for people; programs do not see it. */
  text(text: string): void {
    if (this.format === 'text') this.#terminal.out(endLine(text))
  }

  #line(type: string, value: object): string {
    return `${encodeAnswer({ $type: type, v: DOCUMENT_VERSION, ...value })}\n`
  }
}

/** Reads the name of a format. @throws {Failure} `usage` */
export function parseOutputFormat(text: string): OutputFormat {
  const format = OUTPUT_FORMATS.find(name => name === text)
  if (format !== undefined) return format
  throw new Failure('usage', { output: text, known: OUTPUT_FORMATS }, { note: 'no such output format' })
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
