import {
  type CallOptions,
  Failure,
  findTag,
  type InterfaceDescription,
  MCP_PROCESSES_MAX,
  type ProcessId,
  type ProcessView,
} from '../protocol/index.ts'
import { type Client, contractOf } from '../sdk/index.ts'
import { SEPARATOR, TOOL_NAME_MAX_CHARS } from './tool-name.ts'

/** A process that keeps a contract, and the word that tools call it by. */
export interface Exposed {
  readonly id: ProcessId
  readonly label: string
  readonly described: InterfaceDescription
}

/** How long a listing is good: many calls come in the moments after one. */
const FRESH_MS = 5_000
/** Without two underscores in a row, or one at the end: those separate a label from the name of a message. */
const LABEL = /^(?:_?[A-Za-z0-9-]){1,48}$/
/** So many letters and digits of its id tell a process from its namesakes. */
const HEAD_CHARS = 8
/** What a name leaves at least for a word, a dash and those. */
const MESSAGE_NAME_MAX_CHARS = TOOL_NAME_MAX_CHARS - SEPARATOR.length - HEAD_CHARS - 4

/** The processes that are shown as tools: those named, or all that keep a contract, up to a bound. */
export class Catalog {
  readonly #client: Client
  readonly #wanted: readonly string[]
  #found: readonly Exposed[] = []
  #reading: Promise<readonly Exposed[]> | undefined
  #readMs = Number.NEGATIVE_INFINITY

  constructor(client: Client, wanted: readonly string[]) {
    this.#client = client
    this.#wanted = wanted
  }

  /** @throws {Failure} `unknown-process`, `ambiguous-name`, `no-contract` for those named; `unreachable` */
  list({ timeoutMs }: CallOptions): Promise<readonly Exposed[]> {
    if (performance.now() - this.#readMs < FRESH_MS) return Promise.resolve(this.#found)
    // One reading for all who ask meanwhile; it does not end with one of them.
    this.#reading ??= this.#read({ timeoutMs }).finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(options: CallOptions): Promise<readonly Exposed[]> {
    const found = this.#wanted.length > 0 ? this.#named(options) : this.#all(options)
    this.#found = labelled(await Array.fromAsync(found))
    this.#readMs = performance.now()
    return this.#found
  }

  /** The process of a label; looked up anew if it is not known yet. @throws {Failure} `unknown-process` */
  async find(label: string, options: CallOptions): Promise<Exposed> {
    const known = (await this.list(options)).find(one => one.label === label)
    if (known !== undefined) return known
    this.#readMs = Number.NEGATIVE_INFINITY
    const found = (await this.list(options)).find(one => one.label === label)
    if (found === undefined) throw new Failure('unknown-process', { name: label })
    return found
  }

  /** Those whose state may be read; nothing, if all may. @throws {Failure} as `list` */
  async readable(options: CallOptions): Promise<ReadonlySet<string> | undefined> {
    if (this.#wanted.length === 0) return undefined
    return new Set((await this.list(options)).map(({ id }) => id))
  }

  async *#named(options: CallOptions): AsyncGenerator<Unlabelled> {
    for (const name of this.#wanted) {
      const view = await this.#client.processes.get(await this.#client.processes.find(name, options), options)
      yield { view, described: await this.#described(view, options) }
    }
  }

  async *#all(options: CallOptions): AsyncGenerator<Unlabelled> {
    let count = 0
    for await (const view of this.#client.processes.list(options)) {
      const described = await this.#interfaceOf(view, options)
      if (described === undefined) continue
      yield { view, described }
      if (++count >= MCP_PROCESSES_MAX) return
    }
  }

  /** @throws {Failure} `no-contract`, also if its names can be no contract's */
  async #described({ id }: ProcessView, options: CallOptions): Promise<InterfaceDescription> {
    const described = await this.#client.processes.interface(id, options)
    contractOf(described)
    return described
  }

  async #interfaceOf(view: ProcessView, options: CallOptions): Promise<InterfaceDescription | undefined> {
    try {
      return await this.#described(view, options)
    } catch (error) {
      // A process of another format, or of a module that does not say what it promises, is no tool.
      if (Failure.is(error) && error.blame === 'input') return undefined
      throw error
    }
  }
}

interface Unlabelled {
  readonly view: ProcessView
  readonly described: InterfaceDescription
}

/** Its name where that is a word that nobody else has and leaves room for its messages; else something that tells it apart. */
function labelled(found: readonly Unlabelled[]): readonly Exposed[] {
  const names = found.map(({ view, described }) => {
    const name = findTag(view.tags, 'Name') ?? ''
    return LABEL.test(name) ? { word: name, isNamed: true } : { word: described.name, isNamed: false }
  })
  const room = ({ described }: Unlabelled) => TOOL_NAME_MAX_CHARS - SEPARATOR.length - longestName(described)
  const others = found.map((one, at) => apart(names[at]?.word ?? '', one.view.id, room(one)))
  return found.map((one, at) => {
    const { word = '', isNamed = false } = names[at] ?? {}
    // A name may be what another process is told apart by: then what is meant for that one would come here.
    const isAlone = isNamed && names.filter(other => other.word === word).length === 1 && !others.includes(word)
    const label = isAlone && word.length <= room(one) ? word : (others[at] ?? '')
    return { id: one.view.id, label, described: one.described }
  })
}

function apart(word: string, id: string, room: number): string {
  const head = `-${id.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, HEAD_CHARS)}`
  return `${word.replaceAll(/__+/g, '_').slice(0, Math.max(0, room - head.length))}${head}`
}

/** Of the names that leave a label room; the others are no tools. */
function longestName({ messages, queries }: InterfaceDescription): number {
  const lengths = [messages, queries].flatMap(Object.keys).map(name => name.length)
  return Math.max(0, ...lengths.filter(length => length <= MESSAGE_NAME_MAX_CHARS))
}
