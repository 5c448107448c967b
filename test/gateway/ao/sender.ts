import {
  asMessageId,
  asModuleId,
  asProcessId,
  createDataItem,
  type DataItem,
  ed25519Signer,
  encodeCertificate,
  type Envelope,
  makePush,
  type ProcessId,
  type PushBody,
  type Signer,
  toBase64Url,
} from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { AO_FORMAT, type FakeNode, NODE_KEY } from './fake-node.ts'
import { post } from './http-call.ts'

/** A person who sends items. */
export class Sender {
  readonly signer: Signer
  readonly #node: FakeNode
  #count = 0

  constructor(node: FakeNode, seed = 9) {
    this.#node = node
    this.signer = ed25519Signer(new Uint8Array(32).fill(seed))
  }

  /** An item; tags as pairs. */
  item(fields: {
    target?: string
    data?: string | Uint8Array
    anchor?: Uint8Array
    pairs: readonly string[]
  }): Promise<DataItem> {
    const { target, anchor, pairs } = fields
    // Ed25519 signs the same twice, so a counter keeps items apart.
    const all = tags('Data-Protocol', 'ao', 'Variant', 'ao.TN.1', 'Count', String(this.#count++), ...pairs)
    return createDataItem({ target, anchor, data: fields.data ?? ' ', tags: all }, this.signer)
  }

  async post(item: DataItem): Promise<string> {
    const answer = await post(`${this.#node.url}/mu`, item.bytes)
    if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.text}`)
    return item.id
  }

  async module(format: string = AO_FORMAT): Promise<string> {
    const encodings = ['Input-Encoding', 'JSON-1', 'Output-Encoding', 'JSON-1']
    return this.post(await this.item({ pairs: ['Type', 'Module', 'Module-Format', format, ...encodings] }))
  }

  async spawn(module: string, ...pairs: readonly string[]): Promise<ProcessId> {
    const named = ['Type', 'Process', 'Module', asModuleId(module), 'Scheduler', NODE_KEY]
    return asProcessId(await this.post(await this.item({ pairs: [...named, ...pairs] })))
  }

  async message(process: ProcessId, data = ' ', ...pairs: readonly string[]): Promise<string> {
    return this.post(await this.item({ target: process, data, pairs: ['Type', 'Message', ...pairs] }))
  }
}

/** A push from `from` to `to` as the feed of `to` holds it; its proof is only as good as its form. */
export function pushEnvelope(from: ProcessId, to: ProcessId, body: PushBody): Envelope {
  const origin = asMessageId(toBase64Url(new Uint8Array(32).fill(4)))
  const push = makePush({ from, slot: 1, index: 0, seq: 0, to, depth: 1, fuel: 5n, origin }, body)
  const zero = new Uint8Array(32)
  const certificate = {
    process: from,
    firstSlot: 1,
    count: 1,
    frameHash: zero,
    resultsRoot: zero,
    stateRoot: zero,
    gas: 0n,
  }
  const signatures = [{ unit: 0, signature: new Uint8Array(64).fill(6) }]
  const proof = {
    resultHead: zero,
    outboxPath: [],
    resultPath: [],
    certificate,
    certificateBytes: encodeCertificate(certificate),
    signatures,
  }
  return { kind: 'push', push, proof }
}
