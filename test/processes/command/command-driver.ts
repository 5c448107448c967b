import { commandRuntime } from '../../../processes/index.ts'
import {
  type Ending,
  equalBytes,
  type GuestFactory,
  type GuestMessage,
  GAS_PER_SLOT_MAX,
  type Tag,
} from '../../../protocol/index.ts'
import { FakeCells, FakeContext, fakeModule, fakeProcess } from '../../fakes/guest-context.ts'

export interface Outcome {
  readonly ending: Ending
  readonly context: FakeContext
  /** The output as JSON. */
  readonly answer: unknown
}

/** One process of format `command` with its cells, driven as a compute unit does. */
export class CommandDriver {
  cells = new FakeCells()
  readonly #factory: GuestFactory
  readonly #tags: readonly Tag[]

  private constructor(factory: GuestFactory, tags: readonly Tag[]) {
    this.#factory = factory
    this.#tags = tags
  }

  static open(wasm: Uint8Array, moduleTags: readonly Tag[] = [], tags: readonly Tag[] = []): CommandDriver {
    const module = fakeModule('command', wasm, moduleTags)
    return new CommandDriver(commandRuntime.load(commandRuntime.prepare(module), module), tags)
  }

  /** Another process of the same module. */
  fresh(tags: readonly Tag[] = this.#tags): CommandDriver {
    return new CommandDriver(this.#factory, tags)
  }

  run(message: GuestMessage, gasLimit = GAS_PER_SLOT_MAX): Outcome {
    const guest = this.#factory.open(fakeProcess(2, this.#tags))
    const context = new FakeContext(new FakeCells(this.cells.values))
    const ending = guest.run(message, context, gasLimit)
    if (ending.status === 'ok' && message.kind !== 'query') {
      guest.keep()
      this.cells = context.cells
    } else guest.discard()
    guest.close()
    const text = ending.output === undefined ? '' : new TextDecoder().decode(ending.output)
    return { ending, context, answer: text === '' ? undefined : JSON.parse(text) }
  }

  /** The error a run ended with. */
  fail(message: GuestMessage, gasLimit = GAS_PER_SLOT_MAX): { code: string; message: string } {
    const before = new Map(this.cells.values)
    const { ending } = this.run(message, gasLimit)
    if (ending.status === 'ok') throw new Error('expected an error')
    if (!sameCells(before, this.cells.values)) throw new Error('expected the files as before')
    return ending.error
  }

  /** Bytes of a file that has one piece. */
  file(path: string): Uint8Array | undefined {
    return this.cells.values.get(`files/${path}`)
  }

  text(path: string): string | undefined {
    const bytes = this.file(path)
    return bytes && new TextDecoder().decode(bytes)
  }

  close(): void {
    this.#factory.close()
  }
}

const NO_BYTES = new Uint8Array(0)

function sameCells(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => equalBytes(b.get(key) ?? NO_BYTES, value))
}
