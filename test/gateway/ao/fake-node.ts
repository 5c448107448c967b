import { createServer, type Server } from 'node:http'
import { createAoFacade } from '../../../gateway/ao/index.ts'
import {
  asKeyId,
  asMessageId,
  asProcessId,
  type CallOptions,
  type CertifiedResult,
  type Clock,
  type Computer,
  type DataItem,
  decodeFrame,
  describeSpawnItem,
  ed25519PublicKey,
  type Envelope,
  encodeEnvelope,
  encodeFrame,
  envelopeId,
  Failure,
  findTag,
  fromUtf8,
  keyId,
  type Log,
  messagesFeed,
  type Messenger,
  type ModuleAdded,
  parseDataItem,
  type ProcessDescription,
  type ProcessId,
  type QueryAnswer,
  type QueryMessage,
  type Receipt,
  type Result,
  type Scheduler,
  signDataItemSync,
  type Slot,
  slotCount,
  findFrame,
  toUtf8,
  type Trace,
  verifyDataItem,
} from '../../../protocol/index.ts'
import { MemoryLog } from '../../fakes/memory-log.ts'

const NODE_SEED = new Uint8Array(32).fill(1)
export const NODE_KEY = asKeyId(keyId(ed25519PublicKey(NODE_SEED)))
export const AO_FORMAT = 'wasm32-unknown-emscripten4'
const START_MS = 1_700_000_000_000

/** What a process of the fake computer makes of the slot; nothing: it says its slot. */
export type Program = (slot: Slot, envelope: Envelope) => Partial<Result> | undefined

/** A node without units: feeds are written as told, results are what `program` says. */
export class FakeNode implements AsyncDisposable {
  readonly log = MemoryLog.open()
  readonly monitored = new Set<ProcessId>()
  readonly queries: QueryMessage[] = []
  readonly troubles: Failure[] = []
  program: Program = () => undefined
  /** Slots before this one have results. */
  evaluatedTo: Slot = Infinity
  nowMs = START_MS
  signed = 0
  #server: Server | undefined
  url = ''

  /** `logs`: what stands between the façade and the log of this node. */
  static async open(logs: (log: Log) => { log?: Log; atHand?: Log } = () => ({})): Promise<FakeNode> {
    const node = new FakeNode()
    const facade = createAoFacade({
      messenger: node.messenger,
      scheduler: node.scheduler,
      computer: node.computer,
      log: node.log,
      atHand: node.log,
      ...logs(node.log),
      clock: node.clock,
      monitor: {
        add: process => void node.monitored.add(process),
        remove: process => void node.monitored.delete(process),
      },
      authority: NODE_KEY,
      signItem: fields => {
        node.signed++
        return signDataItemSync(fields, NODE_SEED)
      },
      publicUrl: () => node.url,
      trouble: failure => void node.troubles.push(failure),
    })
    const server = createServer((request, response) => {
      void facade(request, response, () => new URL(`http://node${request.url ?? '/'}`)).then(handled => {
        if (!handled) response.writeHead(404).end('not AO')
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('no address')
    node.#server = server
    node.url = `http://127.0.0.1:${address.port}`
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise(resolve => this.#server?.close(resolve))
  }

  readonly clock: Clock = { now: () => this.nowMs, elapsed: () => this.nowMs, sleep: async () => undefined }

  readonly scheduler: Scheduler = {
    key: NODE_KEY,
    schedule: async () => [],
    arm: () => undefined,
    monitor: () => undefined,
  }

  readonly messenger: Messenger = {
    submit: async items =>
      Promise.all(
        items.map(item =>
          this.#take(item instanceof Uint8Array ? item : item.bytes).catch((error: unknown) => Failure.from(error)),
        ),
      ),
    ingress: async () => {
      throw new Failure('unknown-process')
    },
    assign: async (message, process, exclude = []) => {
      const [place] = await this.log.messages.placesOf(message)
      if (place === undefined) throw new Failure('unknown-message', { message })
      const inner = await this.envelopeAt(place.process, place.slot)
      if (inner.kind === 'item') return this.write(process, { kind: 'assign', message: inner, exclude })
      if (inner.kind !== 'push' || inner.proof === undefined) throw new Failure('unknown-message', { message })
      const proven = { ...inner, proof: inner.proof }
      return this.write(process, { kind: 'assign', message: proven, exclude })
    },
    trace: async (): Promise<Trace> => {
      throw new Error('nobody asks for this')
    },
  }

  async #take(bytes: Uint8Array): Promise<Receipt | ModuleAdded> {
    let item: DataItem
    try {
      item = parseDataItem(bytes)
    } catch (cause) {
      throw new Failure('malformed-item', {}, { cause })
    }
    if (!verifyDataItem(item)) throw new Failure('bad-signature', { id: item.id })
    const type = findTag(item.tags, 'Type')
    if (type === 'Module') return { module: (await this.log.directory.addModule(item)).id }
    if (type !== 'Process' && type !== 'Message') throw new Failure('wrong-type', { type: type ?? '' })
    const process = asProcessId(type === 'Process' ? item.id : (item.target ?? ''))
    const envelope: Envelope = { kind: 'item', item: item.bytes }
    if (type === 'Process') await this.log.directory.addProcess(describeSpawnItem(item), encodeEnvelope(envelope))
    const slot = await this.log.messages.slotOf(process, asMessageId(item.id))
    if (slot !== undefined) return { id: asMessageId(item.id), process, slot, timestampMs: this.nowMs }
    return this.write(process, envelope)
  }

  async description(process: ProcessId): Promise<ProcessDescription> {
    const description = await this.log.directory.process(process)
    if (description === undefined) throw new Failure('unknown-process', { process })
    return description
  }

  /** Writes envelopes as one frame, now; gives the receipt of the first. */
  async write(process: ProcessId, ...envelopes: readonly Envelope[]): Promise<Receipt> {
    const feed = messagesFeed(await this.description(process))
    const firstSlot = await slotCount(this.log, feed)
    const timestampMs = this.nowMs
    const bytes = encodeFrame(
      firstSlot,
      envelopes.map(envelope => ({ timestampMs, envelopeBytes: encodeEnvelope(envelope) })),
    )
    const ids = envelopes.map((envelope, i) => envelopeId(envelope, process, firstSlot + i))
    await this.log.commit([{ feed, index: await this.log.length(feed), bytes, ids, firstSlot }])
    return { id: ids[0] ?? asMessageId(''), process, slot: firstSlot, timestampMs }
  }

  async envelopeAt(process: ProcessId, slot: Slot): Promise<Envelope> {
    const frame = await findFrame(this.log, messagesFeed(await this.description(process)), slot)
    const envelope = frame && decodeFrame(frame.bytes).assignments[slot - frame.firstSlot]?.envelope
    if (envelope === undefined) throw new Failure('unknown-slot', { slot })
    return envelope
  }

  async #result(process: ProcessId, slot: Slot, options?: CallOptions): Promise<Result> {
    const envelope = await this.envelopeAt(process, slot)
    if (slot >= this.evaluatedTo) throw new Failure('timeout', { timeoutMs: options?.timeoutMs ?? 0 })
    const { module } = await this.description(process)
    const ao = (await this.log.directory.module(module))?.format === AO_FORMAT
    const output = ao ? aoOutput({ Output: { data: `slot ${slot}` } }) : toUtf8(`slot ${slot}`)
    const usual: Result = {
      slot,
      message: undefined,
      status: 'ok',
      gas: 5n,
      error: undefined,
      output,
      log: '',
      outbox: [],
      assigns: [],
      dropped: [],
    }
    return { ...usual, ...this.program(slot, envelope) }
  }

  readonly computer: Computer = {
    key: NODE_KEY,
    result: (process, slot, options) => this.#result(process, slot, options),
    results: (process, from, to, options) => this.#results(process, from, to, options),
    follow: (process, from, options) => this.#results(process, from, Infinity, options),
    evaluated: async process =>
      Math.min(this.evaluatedTo, await slotCount(this.log, messagesFeed(await this.description(process)))),
    query: async (_process, message): Promise<QueryAnswer> => {
      this.queries.push(message)
      const output = aoOutput({
        Output: { data: fromUtf8(message.data) },
        Messages: [{ Tags: message.tags }],
      })
      return { slot: 0, status: 'ok', gas: 3n, error: undefined, output, log: '' }
    },
    memory: async () => ({ slot: 0, memory: new Uint8Array([1, 2, 3]) }),
    cell: async () => undefined,
    attested: async () => ({ by: [NODE_KEY], needed: 1, of: 1 }),
    attests: () => false,
    proveOutbox: async () => [],
    state: async () => {
      throw new Error('nobody asks for this')
    },
    lifecycle: async process => {
      const { module } = await this.description(process)
      return { module, since: 0, changes: [], snapshots: [] }
    },
    timers: async () => [],
    checkUpgrade: async () => {
      throw new Error('nobody asks for this')
    },
    certified: async (): Promise<CertifiedResult> => {
      throw new Error('nobody asks for this')
    },
  }

  async *#results(process: ProcessId, from: Slot, to: Slot, options?: CallOptions): AsyncGenerator<Result> {
    const end = Math.min(to, await this.computer.evaluated(process))
    for (let slot = from; slot < end; slot++) yield await this.#result(process, slot, options)
  }
}

/** AO's JSON of a result, with what `fields` says. */
export function aoOutput(fields: Record<string, unknown>): Uint8Array {
  return toUtf8(JSON.stringify({ Messages: [], Assignments: [], Spawns: [], Output: '', ...fields }))
}
