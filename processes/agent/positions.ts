import { originalPositionFor, type SourceMapInput, TraceMap } from '@jridgewell/trace-mapping'

/** The name under which a bundle is evaluated, as it stands in stack frames. */
export const BUNDLE_NAME = 'agent.js'
/** The name of what runs before it. */
export const PRELUDE_NAME = 'atoll:prelude'
const FRAME = /\bagent\.js:(\d+)(?::(\d+))?/g
/** Of a stack, as much is looked at: a program can say it is of any length. */
const STACK_MAX_CHARACTERS = 16_384
const FRAMES_MAX = 50

/** A longer name of a file is left out: a text may name it thousands of times. */
const SOURCE_MAX_CHARACTERS = 200

/** The name of the function at the top of a stack, if it is one of the program's. */
function inFunction(stack: string): string | undefined {
  const name = /^ *at ([\w$.]{1,100}) \(agent\.js:/.exec(stack)?.[1]
  return name && `in ${name}`
}

/** Finds where in its author's files something in a bundle stands. */
export class Positions {
  readonly #map: TraceMap | undefined

  /** A map that makes no sense is no map. */
  constructor(map: unknown) {
    try {
      this.#map = map === undefined || map === null ? undefined : new TraceMap(map as SourceMapInput)
    } catch {
      this.#map = undefined
    }
  }

  /** `file.ts:line:col` for every place in the bundle that a text names; frames of our own are left out. */
  resolve(text: string): string {
    if (!text.includes('.js:') && !text.includes('atoll:')) return text
    // Line by line: no pattern over all of a text whose length a program chooses.
    const lines = text.split('\n').filter(line => !line.includes(PRELUDE_NAME))
    return lines
      .join('\n')
      .replace(FRAME, (whole, line: string, column: string | undefined) => this.#find(line, column) ?? whole)
  }

  /** A text, and behind it where the code of the program stood at the top of a stack, if it did: in a function that called nothing, its name. */
  behind(text: string, stack: string): string {
    const place = this.#ofStack(stack) ?? inFunction(stack)
    return place === undefined ? text : `${text} (${place})`
  }

  #ofStack(stack: string): string | undefined {
    let fallback: string | undefined
    for (const [, line = '', column] of stack.slice(0, STACK_MAX_CHARACTERS).matchAll(FRAME).take(FRAMES_MAX)) {
      const found = this.#find(line, column)
      if (found === undefined) continue
      if (!found.includes('node_modules/')) return found
      fallback ??= found
    }
    return fallback
  }

  #find(line: string, column: string | undefined): string | undefined {
    if (this.#map === undefined) return undefined
    try {
      const place = originalPositionFor(this.#map, {
        line: Number(line),
        column: Math.max(0, Number(column ?? 1) - 1),
      })
      if (place.source === null || place.source.length > SOURCE_MAX_CHARACTERS) return undefined
      return `${place.source}:${place.line}:${place.column + 1}`
    } catch {
      return undefined
    }
  }
}
