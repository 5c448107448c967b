import type { AnyContract } from '../contract/index.ts'
import {
  asMessageId,
  asProcessId,
  type CallOptions,
  type CertifiedView,
  type DataItem,
  Failure,
  type MessageId,
  type NodeView,
  type OperationOutput,
  type ProcessId,
  type QueryView,
  type Receipt,
  type ResultView,
  type Signer,
  type Slot,
  type SubmittedView,
  toUtf8,
  type TraceView,
} from '../protocol/index.ts'
import { awaitReply } from './await-reply.ts'
import { type ComplaintCalls, complaintCalls } from './complain.ts'
import { type FollowOptions, followResults } from './follow.ts'
import { type QueryFields, type SendFields, signMessage, signSpawn, withPolicy } from './message-item.ts'
import { type HandoverCalls, handoverCalls } from './handover.ts'
import { type LifecycleCalls, lifecycleCalls } from './lifecycle-calls.ts'
import { type ModuleCalls, moduleCalls } from './module-calls.ts'
import { type ProcessCalls, processCalls } from './process-calls.ts'
import { ProcessHandle } from './process-handle.ts'
import { type ProcessRef, processRef } from './process-ref.ts'
import { ReplyWatch } from './reply-watch.ts'
import { exportProof, type ProofOptions } from './export-proof.ts'
import { untilThere, withRetries } from './retry.ts'
import { Sent } from './sent.ts'
import { type SignedSpawnFields, type SpawnedProcess, spawnTyped, type TypedSpawnFields } from './spawn-typed.ts'
import { submitMany } from './submit-many.ts'
import { aroundOf } from './surroundings.ts'
import type { Transport } from './transport.ts'

export type { FollowOptions } from './follow.ts'
export type { QueryFields, SendFields } from './message-item.ts'

/** How long a send is tried, and how long a result is waited for, unless the caller says otherwise. */
const SEND_TIMEOUT_MS = 30_000
const RESULT_TIMEOUT_MS = 60_000

/**
 * A connection to the network through one node. It holds no socket and needs no closing.
 * Every call takes `{ signal, timeoutMs }` and fails with a `Failure`.
 */
export class Client {
  readonly modules: ModuleCalls
  readonly processes: ProcessCalls & LifecycleCalls & HandoverCalls & ComplaintCalls
  /** The operations themselves, one call each, without retries. */
  readonly transport: Transport
  readonly #signer: Signer | undefined
  readonly #replies = new ReplyWatch((process, options) => this.results(process, options))
  #node: NodeView | undefined

  constructor(parts: { readonly transport: Transport; readonly signer?: Signer | undefined }) {
    this.transport = parts.transport
    this.#signer = parts.signer
    this.modules = moduleCalls(this.transport, signer => this.#signerOr(signer))
    this.processes = {
      ...processCalls(this.transport, this.modules),
      ...lifecycleCalls({
        transport: this.transport,
        signerOr: signer => this.#signerOr(signer),
        send: (item, options) => this.#sendItem(item, options),
        spawn: (fields, options) => this.spawn(fields, options),
      }),
      ...handoverCalls(this.transport, signer => this.#signerOr(signer)),
      ...complaintCalls(this.transport),
    }
  }

  /** The address that messages of this client come from. */
  get address(): string | undefined {
    return this.#signer?.address
  }

  /** Makes a process that keeps a contract; its module by id or name. @throws {Failure} `bad-input`, and nothing was sent */
  spawn<C extends AnyContract>(
    contract: C,
    fields: TypedSpawnFields<C>,
    options?: CallOptions,
  ): Promise<SpawnedProcess<C>>
  /** Makes a process; resolves when its spawn message is durable. */
  spawn(fields: SignedSpawnFields, options?: CallOptions): Promise<ProcessHandle>
  async spawn(
    first: AnyContract | SignedSpawnFields,
    second: TypedSpawnFields<AnyContract> | CallOptions = {},
    third: CallOptions = {},
  ): Promise<SpawnedProcess<AnyContract> | ProcessHandle> {
    if ('kind' in first) return spawnTyped(this, first, second as TypedSpawnFields<AnyContract>, third)
    const options = second as CallOptions
    const fields = withPolicy(first)
    const { schedulers, computeUnits } = fields.schedulers
      ? { ...fields, schedulers: fields.schedulers }
      : await this.#unitsHere(fields, options)
    const item = await signSpawn(
      { ...fields, computeUnits, anchor: fields.anchor ?? this.#anchor() },
      schedulers,
      this.#signerOr(fields.signer),
    )
    const sent = await this.#sendItem(item.bytes, options)
    return new ProcessHandle(this, sent.process, sent)
  }

  /** The units that the connected node names: its own, or those of others for what it does not run. */
  async #unitsHere(
    { computeUnits }: SignedSpawnFields,
    options: CallOptions,
  ): Promise<Pick<SignedSpawnFields, 'computeUnits'> & { schedulers: string[] }> {
    const { scheduler, computeUnit } = (this.#node ??= await this.node(options))
    return {
      schedulers: [scheduler],
      computeUnits: computeUnits ?? (computeUnit === scheduler ? undefined : [computeUnit]),
    }
  }

  /** A process by its id or Name tag, as its contract says; no call is made. */
  process<C extends AnyContract>(contract: C, idOrName: string): ProcessRef<C>
  /** A process by its id; no call is made. */
  process(id: string): ProcessHandle
  process(first: AnyContract | string, idOrName = ''): ProcessRef<AnyContract> | ProcessHandle {
    if (typeof first === 'string') return new ProcessHandle(this, asProcessId(first))
    let found: ProcessId | undefined
    return processRef(this, first, async options => (found ??= await this.processes.find(idOrName, options)))
  }

  /** Signs a message without sending it: its id is known, and `submit` may be repeated. */
  prepare(fields: SendFields): Promise<DataItem> {
    return signMessage(
      fields.process,
      { ...fields, anchor: fields.anchor ?? this.#anchor() },
      this.#signerOr(fields.signer),
    )
  }

  /** Sends a message; resolves when it is durable. Retries are safe: the same bytes get the same slot. */
  async send(fields: SendFields, options: CallOptions = {}): Promise<Sent> {
    return this.#sendItem((await this.prepare(fields)).bytes, options)
  }

  /** Sends many messages, signed in turn, in as few requests as possible; an answer for each, in order. */
  async sendMany(messages: readonly SendFields[], options: CallOptions = {}): Promise<(Sent | Failure)[]> {
    const items: Uint8Array[] = []
    for (const fields of messages) items.push((await this.prepare(fields)).bytes)
    const answers = await this.submitMany(items, options)
    return answers.map(answer => {
      if (answer instanceof Failure) return answer
      return 'module' in answer
        ? new Failure('internal', {}, { note: 'a message became a module' })
        : new Sent(this, answer)
    })
  }

  /** Hands in one signed item, byte for byte. */
  submit(item: Uint8Array, options: CallOptions = {}): Promise<SubmittedView> {
    return withRetries(this.transport, options, SEND_TIMEOUT_MS, limits =>
      this.transport.request('send', { bytes: item }, limits),
    )
  }

  /** Hands in many signed items; an answer for each, in order. */
  submitMany(items: readonly Uint8Array[], options: CallOptions = {}): Promise<(SubmittedView | Failure)[]> {
    return submitMany(this.transport, items, options, SEND_TIMEOUT_MS)
  }

  /** The result of a slot, or of a message that stands there; waits for it. */
  result(process: string, at: Slot | string, options: CallOptions = {}): Promise<ResultView> {
    return untilThere(this.transport, options, RESULT_TIMEOUT_MS, (wait_ms, limits) =>
      this.transport.request('result', { process: asProcessId(process), at: placeOf(at), wait_ms }, limits),
    )
  }

  /**
   * What a message was answered with, unchecked; see `Sent.reply`.
   * @throws {Failure} `process-error` if it failed; `bad-reply`; `timeout`, `aborted`, `unreachable`
   */
  reply(receipt: Receipt, options: CallOptions = {}, label?: string): Promise<unknown> {
    const sources = {
      result: ({ process, slot }: Receipt, limits: CallOptions) => this.result(process, slot, limits),
      clock: aroundOf(this.transport).clock,
      ended: (pending: Receipt, signal: AbortSignal) => this.#replies.wait(pending, signal),
    }
    return awaitReply(receipt, options, sources, label)
  }

  /** The result with what proves it; see `verifyResult`. */
  certifiedResult(process: string, at: Slot | string, options: CallOptions = {}): Promise<CertifiedView> {
    return untilThere(this.transport, options, RESULT_TIMEOUT_MS, (wait_ms, limits) =>
      this.transport.request('certifiedResult', { process: asProcessId(process), at: placeOf(at), wait_ms }, limits),
    )
  }

  /** All that proves a result, in one piece of bytes for whoever believes nobody; see `verify`. */
  exportProof(process: string, at: Slot | string, options: ProofOptions = {}): Promise<Uint8Array> {
    return exportProof(this.transport, { process: asProcessId(process), at: placeOf(at) }, options, RESULT_TIMEOUT_MS)
  }

  /** Results as they come, each once, in slot order; survives lost connections. */
  results(process: string, options: FollowOptions = {}): AsyncIterable<ResultView> {
    return followResults(this.transport, asProcessId(process), options)
  }

  /** Asks a process without giving it a message. */
  query(fields: QueryFields, options: CallOptions = {}): Promise<QueryView> {
    const { process, action, tags = [], data = '', from = this.#signer?.address, at } = fields
    const allTags = [...(action === undefined ? [] : [{ name: 'Action', value: action }]), ...tags]
    const bytes = typeof data === 'string' ? toUtf8(data) : data
    return withRetries(this.transport, options, SEND_TIMEOUT_MS, limits =>
      this.transport.request('query', { process: asProcessId(process), from, tags: allTags, data: bytes, at }, limits),
    )
  }

  /** The value of a cell after the last evaluated slot, or nothing. */
  async cell(process: string, key: Uint8Array | string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const bytes = typeof key === 'string' ? toUtf8(key) : key
    try {
      return await withRetries(this.transport, options, SEND_TIMEOUT_MS, limits =>
        this.transport.request('cell', { process: asProcessId(process), key: bytes }, limits),
      )
    } catch (error) {
      if (Failure.is(error, 'not-found')) return undefined
      throw error
    }
  }

  /** A message and all that it caused so far. */
  trace(id: string, options: CallOptions & { readonly process?: ProcessId | undefined } = {}): Promise<TraceView> {
    const { process, ...limits } = options
    return withRetries(this.transport, limits, SEND_TIMEOUT_MS, rest =>
      this.transport.request('trace', { message: asMessageId(id), process }, rest),
    )
  }

  /** A message and all that it caused, once nothing of it is under way. */
  settled(id: string, options: CallOptions & { readonly process?: ProcessId | undefined } = {}): Promise<TraceView> {
    const { process, ...limits } = options
    return untilThere(this.transport, limits, RESULT_TIMEOUT_MS, (wait_ms, rest) =>
      this.transport.request('trace', { message: asMessageId(id), process, settled: true, wait_ms }, rest),
    )
  }

  /** Every place in which a message stands. */
  places(id: string, options: CallOptions = {}): Promise<OperationOutput<'message'>> {
    return withRetries(this.transport, options, SEND_TIMEOUT_MS, limits =>
      this.transport.request('message', { message: asMessageId(id) }, limits),
    )
  }

  /** What the node says of itself. */
  node(options: CallOptions = {}): Promise<NodeView> {
    return withRetries(this.transport, options, SEND_TIMEOUT_MS, limits => this.transport.request('node', {}, limits))
  }

  async #sendItem(bytes: Uint8Array, options: CallOptions): Promise<Sent> {
    const answer = await this.submit(bytes, options)
    if ('module' in answer) throw new Failure('internal', {}, { note: 'a message became a module' })
    return new Sent(this, answer)
  }

  #anchor(): Uint8Array {
    return aroundOf(this.transport).randomBytes(32)
  }

  #signerOr(signer: Signer | undefined): Signer {
    const found = signer ?? this.#signer
    if (found !== undefined) return found
    const note = 'nobody signs: give a signer to the call or to connect()'
    throw new Failure('bad-config', {}, { note })
  }
}

const placeOf = (at: Slot | string): Slot | MessageId => (typeof at === 'number' ? at : asMessageId(at))
