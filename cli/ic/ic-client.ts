import {
  type CallOptions,
  certifiedTree,
  concatBytes,
  decodeIc,
  encodeIc,
  Failure,
  fromUtf8,
  hashOfMap,
  type HashTree,
  icMap,
  type IcMap,
  type IcValue,
  isIcMap,
  lookUpValue,
  principalText,
  selfAuthenticating,
  separator,
  toUtf8,
} from '../../protocol/index.ts'
import { failureOfText } from './failure-of-text.ts'
import type { IcSigner } from './ic-signer.ts'

const REQUEST = separator('ic-request')
const EXPIRY_MS = 240_000

/** Requests to a node by the IC's interface: signed, and certificates checked against the node's root key. */
export class IcClient {
  readonly #url: string
  readonly #signer: IcSigner
  readonly #limits: CallOptions
  #rootKey: Promise<Uint8Array> | undefined

  constructor(url: string, signer: IcSigner, limits: CallOptions) {
    this.#url = url.replace(/\/$/, '')
    this.#signer = signer
    this.#limits = limits
  }

  /** Who calls. */
  get sender(): Uint8Array {
    return selfAuthenticating(this.#signer.publicKey)
  }

  /** The certified reply of an update. @throws {Failure} `process-error` on a reject */
  async update(canister: Uint8Array, method: string, arg: Uint8Array, effective = canister): Promise<Uint8Array> {
    const content = this.#content('call', {
      canister_id: canister,
      method_name: method,
      arg,
      nonce: globalThis.crypto.getRandomValues(new Uint8Array(16)),
    })
    const answer = await this.#post(`v4/canister/${principalText(effective)}/call`, await this.#signed(content))
    const certificate = answer.get('certificate')
    if (!(certificate instanceof Uint8Array))
      throw rejected(answer.get('reject_code'), answer.get('error_code'), answer.get('reject_message'))
    const tree = certifiedTree(certificate, await this.#root(), effective)
    if (tree === undefined)
      throw new Failure('verification-failed', {}, { note: 'the certificate does not hold under the root key' })
    const at = (name: string): Uint8Array | undefined =>
      lookUpValue(tree, [toUtf8('request_status'), hashOfMap(content), toUtf8(name)])
    return at('reply') ?? failed(at)
  }

  /** The reply of a query. @throws {Failure} `process-error` on a reject */
  async query(canister: Uint8Array, method: string, arg: Uint8Array): Promise<Uint8Array> {
    const content = this.#content('query', { canister_id: canister, method_name: method, arg })
    const answer = await this.#post(`v3/canister/${principalText(canister)}/query`, await this.#signed(content))
    const reply = answer.get('reply')
    const bytes = isIcMap(reply) ? reply.get('arg') : undefined
    if (bytes instanceof Uint8Array) return bytes
    throw rejected(answer.get('reject_code'), answer.get('error_code'), answer.get('reject_message'))
  }

  /** The interface of a canister, if it shows one; the management canister has no state that could be read. */
  async candid(canister: Uint8Array): Promise<string | undefined> {
    if (canister.length === 0) return undefined
    const found = await this.#certified(canister, ['metadata', 'candid:service'])
    return found && fromUtf8(found)
  }

  /** Whether there is such a canister, and whether it has code. */
  async look(canister: Uint8Array): Promise<'none' | 'empty' | 'code'> {
    if ((await this.#certified(canister, ['module_hash'])) !== undefined) return 'code'
    return (await this.#certified(canister, ['controllers'])) === undefined ? 'none' : 'empty'
  }

  /** What a certificate says of a canister under a path; nothing, if there is nothing. */
  async #certified(canister: Uint8Array, labels: readonly string[]): Promise<Uint8Array | undefined> {
    const path = [toUtf8('canister'), canister, ...labels.map(toUtf8)]
    const content = this.#content('read_state', { paths: [path] })
    const answer = await this.#post(`v3/canister/${principalText(canister)}/read_state`, await this.#signed(content))
    const certificate = answer.get('certificate')
    const tree: HashTree | undefined =
      certificate instanceof Uint8Array ? certifiedTree(certificate, await this.#root(), canister) : undefined
    return tree && lookUpValue(tree, path)
  }

  /** A request to make a canister, signed; whoever carries it adds the root key under which that canister is. */
  async creation(method: string, arg: Uint8Array): Promise<{ request: Uint8Array; rootKey: Uint8Array }> {
    const nonce = globalThis.crypto.getRandomValues(new Uint8Array(16))
    const content = this.#content('call', { canister_id: new Uint8Array(0), method_name: method, arg, nonce })
    return { request: await this.#signed(content), rootKey: await this.#root() }
  }

  #content(type: string, fields: Readonly<Record<string, IcValue>>): IcMap {
    const expiry = BigInt(Date.now() + EXPIRY_MS) * 1_000_000n
    return icMap({ request_type: type, sender: this.sender, ingress_expiry: expiry, ...fields })
  }

  async #signed(content: IcMap): Promise<Uint8Array> {
    const signature = await this.#signer.sign(concatBytes(REQUEST, hashOfMap(content)))
    return encodeIc(icMap({ content, sender_pubkey: this.#signer.publicKey, sender_sig: signature }))
  }

  #root(): Promise<Uint8Array> {
    this.#rootKey ??= this.#ask('v2/status', { method: 'GET' }).then(status => {
      const key = status.get('root_key')
      if (key instanceof Uint8Array) return key
      throw new Failure('bad-reply', {}, { note: 'the node tells no root key' })
    })
    return this.#rootKey
  }

  #post(path: string, body: Uint8Array): Promise<IcMap> {
    return this.#ask(path, { method: 'POST', body: body as BodyInit, headers: { 'content-type': 'application/cbor' } })
  }

  async #ask(path: string, init: RequestInit): Promise<IcMap> {
    let response: Response
    try {
      response = await fetch(`${this.#url}/api/${path}`, { ...init, signal: this.#limits.signal ?? null })
    } catch (cause) {
      throw new Failure('unreachable', { url: this.#url }, { cause })
    }
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (response.status === 202) throw new Failure('timeout', {}, { note: 'the call has its slot and no answer yet' })
    if (response.status !== 200) throw failureOfText(response.status, Buffer.from(bytes).toString('utf8'))
    const value = decodeIc(bytes)
    if (isIcMap(value)) return value
    throw new Failure('bad-reply', {}, { note: 'expected a map' })
  }
}

function failed(at: (name: string) => Uint8Array | undefined): never {
  const text = (name: string): string | undefined => {
    const bytes = at(name)
    return bytes && fromUtf8(bytes)
  }
  throw rejected(at('reject_code')?.[0], text('error_code'), text('reject_message'))
}

function rejected(code: IcValue | undefined, error: IcValue | undefined, message: IcValue | undefined): Failure {
  const note = typeof message === 'string' ? message : 'the call was rejected'
  return new Failure(
    'process-error',
    { code: typeof error === 'string' ? error : '', reject: typeof code === 'number' ? code : 0 },
    { note },
  )
}
