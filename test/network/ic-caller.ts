import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { ANYWHERE, creationArgument, installArgument, principalMade } from '../../bench/ic/making-canisters.ts'
import {
  certifiedTree,
  decodeIc,
  decodeRequestEnvelope,
  encodeCandid,
  fromUtf8,
  type HashTree,
  type IcValue,
  isIcMap,
  lookUpValue,
  principalText,
  toUtf8,
} from '../../protocol/index.ts'
import { callContent, signedBy } from '../fakes/signed-requests.ts'

const NOBODY = new Uint8Array(0)
const HOLD_MS = 240_000
const STATUS = toUtf8('request_status')

/** What a certificate said of a call: its reply, or the code of its reject. */
export interface Certified {
  readonly id: Uint8Array
  readonly reply: Uint8Array | undefined
  readonly error: string | undefined
}

/** A user of the IC who believes certificates alone. */
export class IcCaller {
  readonly #url: string
  readonly rootKey: Uint8Array
  readonly #identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(5))

  private constructor(url: string, rootKey: Uint8Array) {
    this.#url = url
    this.rootKey = rootKey
  }

  static async open(url: string): Promise<IcCaller> {
    const map = decodeIc(new Uint8Array(await (await fetch(`${url}/api/v2/status`)).arrayBuffer()))
    const key = isIcMap(map) ? map.get('root_key') : undefined
    if (key instanceof Uint8Array) return new IcCaller(url, key)
    throw new Error('no root key')
  }

  /** Calls a method, and waits for the certificate. */
  call(canister: Uint8Array, method: string, arg: Uint8Array = encodeCandid([])): Promise<Certified> {
    return this.#call(canister, principalText(canister), method, arg)
  }

  /** What a query gives, on the word of the node. */
  async query(
    canister: Uint8Array,
    method: string,
    arg: Uint8Array = encodeCandid([]),
  ): Promise<Pick<Certified, 'reply' | 'error'>> {
    const content = {
      ...callContent({ canister_id: canister, method_name: method, arg, ingress_expiry: soon() }),
      request_type: 'query',
    }
    const answer = await this.#post(
      `v2/canister/${principalText(canister)}/query`,
      await signedBy(this.#identity, content),
    )
    const given = answer as ReadonlyMap<string, IcValue>
    const [reply, code] = [given.get('reply'), given.get('error_code')]
    const data = isIcMap(reply) ? reply.get('arg') : undefined
    return { reply: data instanceof Uint8Array ? data : undefined, error: typeof code === 'string' ? code : undefined }
  }

  /** What a certificate says of an earlier call. */
  async lookAt(canister: Uint8Array, id: Uint8Array): Promise<Certified> {
    const content = { request_type: 'read_state', ingress_expiry: soon(), paths: [[STATUS, id]] }
    const answer = await this.#post(
      `v2/canister/${principalText(canister)}/read_state`,
      await signedBy(this.#identity, content),
    )
    return certified(this.#proven(answer), id)
  }

  /** A signed request for a canister, which any node may be sent. */
  creation(): Promise<Uint8Array> {
    return this.#signed(NOBODY, 'provisional_create_canister_with_cycles', creationArgument())
  }

  /** The canister that such a request makes. */
  async create(request: Uint8Array): Promise<{ readonly principal: Uint8Array }> {
    const created = await this.#sent(ANYWHERE, request)
    if (created.reply === undefined) throw new Error(`no canister: ${created.error}`)
    return { principal: principalMade(created.reply) }
  }

  /** A new canister with this code. */
  async install(wasm: Uint8Array): Promise<Uint8Array> {
    const { principal } = await this.create(await this.creation())
    const installed = await this.manage(principal, 'install_code', installArgument(principal, wasm))
    if (installed.reply === undefined) throw new Error(`not installed: ${installed.error}`)
    return principal
  }

  /** Calls a method of the management canister that is about a canister. */
  manage(canister: Uint8Array, method: string, arg: Uint8Array): Promise<Certified> {
    return this.#call(NOBODY, principalText(canister), method, arg)
  }

  async #call(canister: Uint8Array, effective: string, method: string, arg: Uint8Array): Promise<Certified> {
    return this.#sent(effective, await this.#signed(canister, method, arg))
  }

  #signed(canister: Uint8Array, method: string, arg: Uint8Array): Promise<Uint8Array> {
    const nonce = crypto.getRandomValues(new Uint8Array(16))
    return signedBy(
      this.#identity,
      callContent({ canister_id: canister, method_name: method, arg, ingress_expiry: soon(), nonce }),
    )
  }

  async #sent(effective: string, body: Uint8Array): Promise<Certified> {
    return certified(
      this.#proven(await this.#post(`v3/canister/${effective}/call`, body)),
      decodeRequestEnvelope(body).id,
    )
  }

  async #post(path: string, body: Uint8Array): Promise<ReadonlyMap<string, unknown>> {
    const response = await fetch(`${this.#url}/api/${path}`, { method: 'POST', body: body as BodyInit })
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (response.status !== 200) throw new Error(`${response.status}: ${Buffer.from(bytes).toString('latin1')}`)
    const map = decodeIc(bytes)
    if (!isIcMap(map)) throw new Error('no map')
    return map
  }

  /** The tree of the certificate in an answer, which must hold. */
  #proven(answer: ReadonlyMap<string, unknown>): HashTree {
    const certificate = answer.get('certificate')
    const tree = certificate instanceof Uint8Array ? certifiedTree(certificate, this.rootKey, NOBODY) : undefined
    if (tree === undefined) throw new Error(`no certificate that holds: ${[...answer].map(String).join(' ')}`)
    return tree
  }
}

function certified(tree: HashTree, id: Uint8Array): Certified {
  const code = lookUpValue(tree, [STATUS, id, toUtf8('error_code')])
  return { id, reply: lookUpValue(tree, [STATUS, id, toUtf8('reply')])?.slice(), error: code && fromUtf8(code) }
}

const soon = (): bigint => BigInt(Date.now() + HOLD_MS) * 1_000_000n
