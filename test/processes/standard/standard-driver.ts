import { readFile } from 'node:fs/promises'
import { buildStandardProcesses } from '../../../processes/standard/build.mjs'
import {
  actorRuntime,
  STANDARD_MODULE_TAGS,
  type StandardProcess,
  standardProcessPath,
} from '../../../processes/index.ts'
import { type Ending, findTag, fromUtf8, type Guest, type GuestMessage } from '../../../protocol/index.ts'
import {
  dataOf,
  FakeCells,
  FakeContext,
  fakeModule,
  fakeProcess,
  guestMessage,
  type SentMessage,
  tags,
} from '../../fakes/guest-context.ts'

/** What one message did. */
export interface Outcome {
  readonly ending: Ending
  readonly sent: readonly SentMessage[]
  /** Text of the output, of a run that ended well. */
  readonly output: string
  /** Text of the error, of one that did not. */
  readonly error: string
}

/** A standard process under the real runtime, with cells kept as a compute unit keeps them. */
export class StandardDriver {
  readonly #guest: Guest
  cells = new FakeCells()
  #slot = 0

  private constructor(guest: Guest) {
    this.#guest = guest
  }

  /** Builds if need be, loads, and evaluates the spawn message of `owner`. */
  static async spawn(name: StandardProcess, owner: string, ...spawnTags: string[]): Promise<StandardDriver> {
    await buildStandardProcesses()
    const wasm = new Uint8Array(await readFile(standardProcessPath(name)))
    const module = fakeModule('actor', wasm, STANDARD_MODULE_TAGS)
    const factory = actorRuntime.load(actorRuntime.prepare(module), module)
    const driver = new StandardDriver(factory.open(fakeProcess()))
    const { ending } = driver.deliver({ kind: 'spawn', from: owner, tags: tags(...spawnTags) })
    if (ending.status === 'error') throw new Error(`spawn failed: ${ending.error.message}`)
    return driver
  }

  /** A message from `from` with an Action and further tags. */
  send(from: string, action: string, ...rest: string[]): Outcome {
    return this.deliver({ from, tags: tags('Action', action, ...rest) })
  }

  /** A message from another process. */
  push(from: string, action: string, ...rest: string[]): Outcome {
    const fromProcess = fakeProcess().id
    return this.deliver({ from, fromProcess, tags: tags('Action', action, ...rest) })
  }

  deliver(parts: Partial<GuestMessage>): Outcome {
    const context = new FakeContext(new FakeCells(this.cells.values))
    const message = guestMessage({ slot: this.#slot, ...parts })
    const ending = this.#guest.run(message, context, 1_000_000_000n)
    this.#slot += 1
    if (ending.status === 'error') {
      this.#guest.discard()
      return {
        ending,
        sent: [],
        output: '',
        error: `${ending.error.code}: ${ending.error.message}`,
      }
    }
    this.#guest.keep()
    this.cells = context.cells
    return { ending, sent: context.sent, output: fromUtf8(ending.output), error: '' }
  }
}

/** The value of a tag of a sent message. */
export const sentTag = (message: SentMessage | undefined, name: string): string | undefined =>
  message === undefined ? undefined : findTag(message.tags, name)

export { dataOf }
