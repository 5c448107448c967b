import {
  asKeyId,
  asMessageId,
  asProcessId,
  type CallOptions,
  type CertifiedResult,
  type Computer,
  decodeFrame,
  describeSpawnItem,
  ed25519PublicKey,
  encodeEnvelope,
  encodeFrame,
  Failure,
  findTag,
  fromUtf8,
  keyId,
  makePush,
  messagesFeed,
  MalformedBytes,
  type Messenger,
  type ModuleAdded,
  parseDataItem,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type QueryAnswer,
  type QueryMessage,
  type Receipt,
  type Result,
  type ResultError,
  resultsFeed,
  type Slot,
  type Tag,
  toUtf8,
  type Trace,
  verifyDataItem,
} from '../../protocol/index.ts'
import { certifyOne } from './certify-one.ts'
import { MemoryLog } from './memory-log.ts'

interface FakeProcess {
  readonly description: ProcessDescription
  readonly frames: Uint8Array[]
  readonly results: Result[]
  readonly certified: CertifiedResult[]
}

/** What a program of a test gets: what a person signed, or asked. */
export interface ProgramInput {
  readonly kind: 'spawn' | 'message' | 'query'
  readonly id: string
  readonly slot: Slot
  readonly action: string | undefined
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
}

/** Takes the place of the echo: gives the output, or throws `{ code, message }`. */
export type Program = (input: ProgramInput) => Uint8Array

/**
 * One node in memory, honest and without disk: every item becomes a frame of its own and is evaluated at once,
 * unless `held`. Programs echo: the output is the data; data `fail` ends in an error; a `Send-To` tag sends the data on.
 */
export class FakeUnits {
  readonly seed = new Uint8Array(32).fill(7)
  readonly key = asKeyId(keyId(ed25519PublicKey(this.seed)))
  readonly processes = new Map<ProcessId, FakeProcess>()
  readonly receipts = new Map<string, Receipt>()
  readonly cells = new Map<string, Uint8Array>()
  /** While true, slots are given but not evaluated. */
  held = false
  /** Failures that `submit` throws, one a call, before it works. */
  readonly submitFailures: unknown[] = []
  submits = 0
  /** In place of the echo, for messages and queries. */
  program: Program | undefined
  #waiting: (() => void)[] = []

  readonly messenger: Messenger = {
    submit: async items => {
      this.submits += 1
      const failure = this.submitFailures.shift()
      if (failure !== undefined) throw failure
      const answers: (Receipt | ModuleAdded | Failure)[] = []
      for (const item of items) answers.push(await this.#take(item instanceof Uint8Array ? item : item.bytes))
      return answers
    },
    ingress: async () => {
      throw new Failure('unknown-process')
    },
    assign: async () => {
      throw new Failure('not-assignable')
    },
    trace: (id, options) => this.#trace(id, options),
  }

  readonly computer: Computer = {
    key: this.key,
    result: async (process, slot, options) => (await this.#at(process, slot, options)).result,
    attested: async () => ({ by: [this.key], needed: 1, of: 1 }),
    certified: (process, slot, options) => this.#at(process, slot, options),
    results: (process, from, to) => this.#results(process, from, to),
    follow: (process, from, options) => this.#follow(process, from, options),
    evaluated: async process => this.#known(process).results.length,
    attests: () => false,
    proveOutbox: async () => [],
    query: async (process, message) => this.#query(process, message),
    state: async process => {
      const document = toUtf8(JSON.stringify({ v: 1, state: { slots: this.#known(process).results.length } }))
      const { module } = this.#known(process).description
      return { slot: this.#known(process).results.length - 1, module, stateRoot: undefined, document }
    },
    lifecycle: async process => {
      const { module } = this.#known(process).description
      return { module, since: 0, changes: [], snapshots: [] }
    },
    timers: async () => [],
    checkUpgrade: async () => {
      throw new Failure('unknown-module')
    },
    cell: async (_, key) => this.cells.get(fromUtf8(key)),
    memory: async () => ({ slot: 0, memory: new Uint8Array(0) }),
  }

  readonly log = MemoryLog.open()

  /** Evaluates what was held. */
  async release(): Promise<void> {
    this.held = false
    for (const process of this.processes.values()) await this.#evaluate(process)
  }

  #known(process: ProcessId): FakeProcess {
    const known = this.processes.get(process)
    if (known === undefined) throw new Failure('unknown-process', { process })
    return known
  }

  async #take(bytes: Uint8Array): Promise<Receipt | ModuleAdded | Failure> {
    try {
      const item = parseDataItem(bytes)
      if (!verifyDataItem(item)) return new Failure('bad-signature')
      const known = this.receipts.get(item.id)
      if (known !== undefined) return known
      const type = findTag(item.tags, 'Type')
      if (type === 'Module') {
        return { module: (await this.log.directory.addModule(item)).id }
      }
      if (type === 'Process') {
        const description = describeSpawnItem(item)
        await this.log.directory.addProcess(description, encodeEnvelope({ kind: 'item', item: bytes }))
        this.processes.set(description.id, { description, frames: [], results: [], certified: [] })
        return await this.#schedule(description.id, item.id, bytes)
      }
      return await this.#schedule(asProcessId(item.target ?? ''), item.id, bytes)
    } catch (error) {
      if (error instanceof MalformedBytes)
        return new Failure('malformed-item', { offset: error.offset }, { cause: error })
      return Failure.from(error)
    }
  }

  async #schedule(id: ProcessId, message: string, item: Uint8Array): Promise<Receipt> {
    const process = this.#known(id)
    const receipt: Receipt = {
      id: asMessageId(message),
      process: id,
      slot: process.frames.length,
      timestampMs: 1_000 + process.frames.length,
    }
    const envelopeBytes = encodeEnvelope({ kind: 'item', item })
    const bytes = encodeFrame(receipt.slot, [{ timestampMs: receipt.timestampMs, envelopeBytes }])
    process.frames.push(bytes)
    this.receipts.set(message, receipt)
    const feed = messagesFeed(process.description)
    await this.log.commit([{ feed, index: receipt.slot, bytes, ids: [receipt.id], firstSlot: receipt.slot }])
    if (!this.held) await this.#evaluate(process)
    return receipt
  }

  async #evaluate(process: FakeProcess): Promise<void> {
    const feed = resultsFeed(process.description, this.key)
    for (let slot = process.results.length; slot < process.frames.length; slot++) {
      const { proof } = this.#evaluateSlot(process, slot)
      await this.log.append(feed, slot, [proof.certificateBytes])
    }
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #evaluateSlot(process: FakeProcess, slot: Slot): CertifiedResult {
    const frame = process.frames[slot] ?? new Uint8Array(0)
    const [id] = [...this.receipts].find(
      ([, receipt]) => receipt.process === process.description.id && receipt.slot === slot,
    ) ?? ['']
    const item = parseDataItem(itemIn(frame))
    const kind = findTag(item.tags, 'Type') === 'Process' ? 'spawn' : 'message'
    const ending = this.#run({ kind, id, slot, action: findTag(item.tags, 'Action'), tags: item.tags, data: item.data })
    const isError = ending.error !== undefined
    const to = findTag(item.tags, 'Send-To')
    const outbox: Push[] =
      to === undefined
        ? []
        : [
            makePush(
              {
                from: process.description.id,
                slot,
                index: 0,
                seq: 0,
                to: asProcessId(to),
                depth: 1,
                fuel: 5_000_000_000_000_000_000n,
                origin: asMessageId(id),
              },
              {
                kind: 'message',
                tags: [{ name: 'Action', value: 'Echo' }],
                data: item.data,
                anchor: undefined,
              },
            ),
          ]
    const result: Result = {
      slot,
      message: undefined,
      status: isError ? 'error' : 'ok',
      gas: 12_345_678_901_234_567_890n,
      output: ending.output,
      error: ending.error,
      log: '',
      outbox: isError ? [] : outbox,
      assigns: [],
      dropped: [],
    }
    process.results.push(result)
    const certified = certifyOne(process.description.id, result, frame, this.seed)
    process.certified.push(certified)
    return certified
  }

  #run(input: ProgramInput): { output: Uint8Array; error: ResultError | undefined } {
    const echo: Program = ({ data }) => {
      if (data.length === 4 && fromUtf8(data) === 'fail') throw { code: 'trap', message: 'it was told to' }
      return data
    }
    try {
      return { output: (this.program ?? echo)(input), error: undefined }
    } catch (error) {
      return { output: new Uint8Array(0), error: error as ResultError }
    }
  }

  async #at(id: ProcessId, slot: Slot, options: CallOptions = {}): Promise<CertifiedResult> {
    const process = this.#known(id)
    if (slot >= process.frames.length) throw new Failure('unknown-slot', { slot })
    for (;;) {
      const found = process.certified[slot]
      if (found !== undefined) return found
      await this.#woken(options)
    }
  }

  #woken({ signal, timeoutMs = 60_000 }: CallOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Failure('timeout')), timeoutMs)
      signal?.addEventListener('abort', () => reject(new Failure('aborted', {}, { cause: signal.reason })), {
        once: true,
      })
      this.#waiting.push(resolve)
      this.#waiting.push(() => clearTimeout(timer))
    })
  }

  async *#results(id: ProcessId, from: Slot, to: Slot): AsyncIterable<Result> {
    yield* this.#known(id).results.slice(from, to)
  }

  async *#follow(id: ProcessId, from: Slot, options: CallOptions = {}): AsyncIterable<Result> {
    const process = this.#known(id)
    for (let slot = from; options.signal?.aborted !== true; ) {
      const result = process.results[slot]
      if (result === undefined) await this.#woken(options)
      else {
        yield result
        slot += 1
      }
    }
  }

  #query(id: ProcessId, message: QueryMessage): QueryAnswer {
    const slot = this.#known(id).results.length - 1
    const { tags, data } = message
    const { output, error } = this.#run({ kind: 'query', id: '', slot, action: findTag(tags, 'Action'), tags, data })
    const status = error === undefined ? 'ok' : 'error'
    return { slot, status, gas: 1n, error, output, log: `from ${message.from}` }
  }

  async #trace(id: string, options: CallOptions & { settled?: boolean } = {}): Promise<Trace> {
    const receipt = this.receipts.get(id)
    if (receipt === undefined) throw new Failure('unknown-message', { message: id })
    for (;;) {
      const result = this.#known(receipt.process).results[receipt.slot]
      const node = {
        id: receipt.id,
        process: receipt.process,
        slot: receipt.slot,
        label: 'Message',
        kind: 'message',
        scheduledMs: receipt.timestampMs,
        status: result?.status ?? 'scheduled',
        evaluatedMs: undefined,
        gas: result?.gas,
        error: result?.error,
        children: [],
      } as const
      if (result !== undefined || options.settled !== true)
        return { root: node, settled: result !== undefined, truncated: false }
      await this.#woken(options)
    }
  }
}

function itemIn(frame: Uint8Array): Uint8Array {
  const envelope = decodeFrame(frame).assignments[0]?.envelope
  if (envelope?.kind !== 'item') throw new Error('the fake log holds items only')
  return envelope.item
}
