import {
  type Ending,
  findTag,
  fromUtf8,
  type Guest,
  type GuestContext,
  type GuestFactory,
  type GuestMessage,
  type ModuleDescription,
  type ProcessDescription,
  type Runtime,
  toUtf8,
} from '../../protocol/index.ts'

/** What a module of format `paper` is: its bytes are this, as JSON. */
export interface PaperProgram {
  readonly version: string
  /** What it makes of words that another version kept; it refuses them if this is `refuse`. */
  readonly migrate?: 'keep' | 'upper' | 'refuse' | 'spin'
  /** Says this before every answer. */
  readonly prefix?: string
  /** Cannot tell its state. */
  readonly tells?: 'refuse' | 'spin'
}

interface PaperState {
  words: string[]
  pending: { message: string; from: string }[]
  schedules: { key: string; dueMs: number; everyMs?: number }[]
}

/** The tags and bytes of a module of that program. */
export const paperModule = (program: PaperProgram): { wasm: Uint8Array; tags: { name: string; value: string }[] } => ({
  wasm: toUtf8(JSON.stringify(program)),
  tags: [{ name: 'Module-Format', value: 'paper' }],
})

/**
 * A format for tests, whose programs keep words: they tell their state as a document and take one. State lies in the
 * engine's bytes, so the state root commits to it.
 */
export const paperRuntime: Runtime = {
  formats: ['paper'],
  assignable: false,
  prepare: ({ wasm }) => wasm,
  load: (prepared: Uint8Array, _: ModuleDescription): GuestFactory => {
    const program = JSON.parse(fromUtf8(prepared)) as PaperProgram
    const image = { pages: 0, chunks: new Map<number, Uint8Array>(), engine: encode(EMPTY) }
    return {
      image,
      open: (process, snapshot) => new PaperGuest(program, process, snapshot?.engine ?? image.engine),
      close: () => undefined,
    }
  },
}

const EMPTY: PaperState = { words: [], pending: [], schedules: [] }
const encode = (state: PaperState): Uint8Array => toUtf8(JSON.stringify(state))
const decode = (bytes: Uint8Array): PaperState => JSON.parse(fromUtf8(bytes)) as PaperState

const failed = (code: string, message: string, gas = 100n): Ending => ({
  status: 'error',
  gas,
  error: { code, message },
})
const said = (value: unknown, gas = 100n): Ending => ({
  status: 'ok',
  gas,
  output: toUtf8(JSON.stringify(value)),
})

class PaperGuest implements Guest {
  readonly pages = 0
  readonly #program: PaperProgram
  readonly #process: ProcessDescription
  #kept: Uint8Array
  #open: PaperState | undefined

  constructor(program: PaperProgram, process: ProcessDescription, engine: Uint8Array) {
    this.#program = program
    this.#process = process
    this.#kept = engine
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#open !== undefined) throw new Error('expected keep or discard before the next run')
    this.#open = decode(this.#kept)
    const ending = this.#run(this.#open, message, context)
    return ending.gas > gasLimit ? failed('out-of-gas', 'too much', gasLimit) : ending
  }

  #run(state: PaperState, message: GuestMessage, context: GuestContext): Ending {
    if (message.kind === 'restore') return this.#restore(state, message, context)
    if (message.kind === 'spawn') {
      state.words.push(`spawned ${findTag(this.#process.tags, 'Name') ?? ''}`.trim())
      return said('spawned')
    }
    if (message.kind === 'tick') {
      if (message.timer === 'quiet') return said({})
      state.words.push(`tick ${message.timer}`)
      return said('tick')
    }
    const { prefix = '' } = this.#program
    switch (findTag(message.tags, 'Action')) {
      case '@export':
        context.cells.set('scratch', new Uint8Array(1))
        return this.#tell(state)
      case 'Say':
        state.words.push(fromUtf8(message.data))
        return said(prefix + state.words.length)
      case 'Note':
        context.cells.set('note', message.data)
        return said('noted')
      case 'Open':
        state.pending.push({ message: message.id, from: message.from })
        return said({ pending: true })
      case 'Close':
        state.words.push(...state.pending.map(() => 'closed'))
        return said(state.pending.splice(0).length)
      case 'Quiet':
        context.setTimer('quiet', message.timestampMs + 60_000)
        return said('quiet')
      case 'Every':
        state.schedules.push({
          key: 'every',
          dueMs: message.timestampMs + 60_000,
          everyMs: 60_000,
        })
        context.setTimer('schedule/every', message.timestampMs + 60_000, 60_000)
        return said('every')
      case 'Stray':
        context.setTimer('stray', message.timestampMs + 60_000)
        return said('stray')
      case 'Words':
        return said(state.words)
      case 'Fail':
        return failed('threw', 'it was told to')
      default:
        return said(`${prefix}what?`)
    }
  }

  #tell(state: PaperState): Ending {
    if (this.#program.tells === 'refuse') return failed('mute', 'it says nothing')
    if (this.#program.tells === 'spin') return failed('out-of-gas', 'it never ended', 10_000_000_000_000n)
    const document = this.#document(state)
    return said(this.#program.version === '2' ? { reply: document } : document)
  }

  #document({ words, pending, schedules }: PaperState): object {
    return {
      v: 1,
      name: 'paper',
      version: this.#program.version,
      state: { words },
      schedules,
      pending,
    }
  }

  #restore(state: PaperState, message: GuestMessage, context: GuestContext): Ending {
    const { migrate = 'keep' } = this.#program
    if (migrate === 'refuse') return failed('bad-state', 'words are not what they were', 500n)
    if (migrate === 'spin') return failed('out-of-gas', 'it never ended', 10_000_000_000_000n)
    const document = JSON.parse(fromUtf8(message.data)) as {
      state: { words: string[] }
      schedules: PaperState['schedules']
      pending: PaperState['pending']
    }
    const { words } = document.state
    state.words = migrate === 'upper' ? words.map(word => word.toUpperCase()) : [...words]
    state.schedules = [...document.schedules]
    for (const { key, dueMs, everyMs } of document.schedules) context.setTimer(`schedule/${key}`, dueMs, everyMs)
    const settled = document.pending.map(({ message: id }) => ({
      message: id,
      error: { code: 'upgraded' },
    }))
    return said({ settled }, 300n)
  }

  keep(): void {
    if (this.#open === undefined) throw new Error('expected a run')
    this.#kept = encode(this.#open)
    this.#open = undefined
  }

  discard(): void {
    this.#open = undefined
  }

  takeChanged(): readonly number[] {
    return []
  }

  chunk(): Uint8Array {
    return new Uint8Array(4096)
  }

  engine(): Uint8Array {
    return this.#kept
  }

  get sizeBytes(): number {
    return this.#kept.length
  }

  close(): void {
    this.#open = undefined
  }
}
