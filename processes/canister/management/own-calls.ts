import {
  asProcessId,
  emptyCanisterModule,
  equalBytes,
  findTag,
  type GuestMessage,
  IC_ROOT_KEYS_MAX,
  isId,
  principalFromText,
  principalOf,
  type Tag,
} from '../../../protocol/index.ts'
import { PAYLOAD_MAX_BYTES, SPAWNS_PER_SLOT_MAX, SPAWNS_PER_SLOT_MAX_BYTES } from '../bounds.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { awaitOutside } from '../deadlines.ts'
import { MODES } from '../modes.ts'
import { FIND, type LocalManagement, notFound } from '../post.ts'
import { getCallback, type Origin } from '../records.ts'
import type { Slot } from '../slot.ts'
import { httpReply, transformArgument } from './http-replies.ts'
import { putOutcall, readHttpOutcome, readHttpRequest, takeOutcall } from './http-outcall.ts'
import { type Fields, fieldsOf } from './fields.ts'
import { versionOfCaller } from './installation-fields.ts'
import type { Management, ManagementParts } from './management.ts'
import { METHODS } from './methods.ts'
import { checkSpecified } from './named-canisters.ts'
import { putDraw, RANDOM_INPUT, readRandomOutcome, takeDraw } from './raw-rand.ts'
import { blobReply, canisterIdReply } from './replies.ts'
import { readSettings } from './settings.ts'
import { nodeMetricsReply, subnetInfoReply } from './subnet-replies.ts'

const NO_BYTES = new Uint8Array(0)
const HTTP = 'http/'
const RANDOM = 'random/'

/** Methods that are about no canister, or about one that is not there yet. */
const LOCAL_METHODS: ReadonlySet<string> = new Set([
  'raw_rand',
  'create_canister',
  'provisional_create_canister_with_cycles',
  'http_request',
  'ecdsa_public_key',
  'sign_with_ecdsa',
  'schnorr_public_key',
  'sign_with_schnorr',
  'vetkd_public_key',
  'vetkd_derive_key',
  'bitcoin_get_balance',
  'bitcoin_get_utxos',
  'bitcoin_send_transaction',
  'bitcoin_get_current_fee_percentiles',
  'bitcoin_get_block_headers',
  'node_metrics_history',
  'subnet_info',
  'subnet_metrics',
  'flexible_http_request',
])

/** A canister may say which version of it asks, so that no later one is taken for it. @throws {Rejected} */
function checkVersion(fields: Fields, version: bigint): void {
  const told = versionOfCaller(fields)
  if (told === undefined || told === version) return
  throw new Rejected('IC0504', `sender_canister_version is ${told}, and the version of the canister is ${version}`)
}

/** What the code of a canister asks of the management canister, and what comes of it outside. */
export class OwnCalls {
  readonly #parts: ManagementParts
  readonly #management: Management

  constructor(parts: ManagementParts, management: Management) {
    this.#parts = parts
    this.#management = management
  }

  /** One call: carried out here, or sent to whom it is about. */
  local({ method, arg, cycles, callback, version }: Parameters<LocalManagement>[0], slot: Slot): boolean {
    const { machine, post } = this.#parts
    const found = METHODS.get(method)
    const target = found?.isInner === true ? undefined : found
    const isOwn = LOCAL_METHODS.has(method)
    if (target === undefined && !isOwn) return false
    if (target !== undefined && !isOwn) {
      this.#management.answered({ origin: { kind: 'self', callback }, cycles }, slot, () => {
        const fields = fieldsOf(arg, slot)
        checkVersion(fields, version)
        const callee = fields.principalIf('target_canister') ?? fields.principal('canister_id')
        const depth = slot.message.depth + 1
        post.request(
          { callback, callee: callee.slice(), method, arg, cycles, deadlineNs: 0n, depth, isManagement: true },
          slot,
        )
        return undefined
      })
      return true
    }
    const call: { origin: Origin; cycles: bigint } = { origin: { kind: 'self', callback }, cycles }
    this.#management.answered(call, slot, () => {
      switch (method) {
        case 'raw_rand':
          putDraw(slot.cells, callback)
          awaitOutside(machine, callback, undefined, slot)
          post.effect('random.bytes', RANDOM + callback, RANDOM_INPUT, slot.message.depth + 1, slot)
          return undefined
        case 'create_canister':
        case 'provisional_create_canister_with_cycles': {
          checkVersion(fieldsOf(arg, slot), version)
          const reply = this.#spawn(method, arg, cycles, slot)
          call.cycles = 0n
          return reply
        }
        case 'http_request': {
          const { input, ...outcall } = readHttpRequest(fieldsOf(arg, slot), machine.names.self)
          putOutcall(slot.cells, callback, outcall)
          awaitOutside(machine, callback, undefined, slot)
          post.effect('http.fetch', HTTP + callback, input, slot.message.depth + 1, slot)
          return undefined
        }
        case 'subnet_info':
          return subnetInfoReply(fieldsOf(arg, slot), machine.names)
        case 'node_metrics_history':
          return nodeMetricsReply(fieldsOf(arg, slot), machine.names)
        default:
          throw new Rejected('IC0406', `ic00 method ${method} is not offered here`, REJECT.canister)
      }
    })
    return true
  }

  #spawn(method: string, arg: Uint8Array, cycles: bigint, slot: Slot): Uint8Array {
    const fields = fieldsOf(arg, slot)
    checkSpecified(fields, undefined)
    readSettings(fields.recordIf('settings'), this.#parts.machine.state.settings)
    slot.spawns += 1
    slot.spawnBytes += arg.length
    if (slot.spawns > SPAWNS_PER_SLOT_MAX || slot.spawnBytes > SPAWNS_PER_SLOT_MAX_BYTES) {
      throw new Rejected('IC0207', `at most ${SPAWNS_PER_SLOT_MAX} canisters are made at once`, REJECT.transient)
    }
    const handed = this.#handed()
    const child = slot.context.spawn({
      module: emptyCanisterModule().id,
      tags: [
        { name: 'Data-Protocol', value: 'ao' },
        { name: 'Variant', value: 'ao.TN.1' },
        { name: 'Type', value: 'Process' },
        { name: 'Canister-Request', value: 'call' },
        { name: 'Action', value: method },
        { name: 'Cycles', value: String(cycles) },
        ...handed,
      ],
      data: arg,
    })
    const principal = principalOf(child)
    this.#parts.post.learn(child, principal, true, slot)
    return canisterIdReply(principal)
  }

  /** What a canister that is made here has of its maker: a few tags, whatever that names. */
  #handed(): Tag[] {
    const { tags } = this.#parts.process
    const keys = tags.filter(({ name }) => name === 'IC-Root-Key').slice(0, IC_ROOT_KEYS_MAX)
    return [...keys, ...tags.filter(({ name }) => name === 'Messenger').slice(0, 1)]
  }

  /** What the messenger unit did outside. Of each effect the first outcome counts. */
  effectDone(reference: string, message: GuestMessage, slot: Slot): void {
    const failed = findTag(message.tags, 'Action') === 'Error'
    slot.hasActed = true
    if (reference.startsWith(FIND)) this.#found(reference.slice(FIND.length), failed, message.data, slot)
    else if (reference.startsWith(HTTP))
      this.#outcallDone(Number(reference.slice(HTTP.length)), failed, message.data, slot)
    else if (reference.startsWith(RANDOM))
      this.#drawn(Number(reference.slice(RANDOM.length)), failed, message.data, slot)
  }

  #drawn(callback: number, failed: boolean, data: Uint8Array, slot: Slot): void {
    if (!takeDraw(slot.cells, callback)) return
    const cycles = getCallback(slot.cells, callback)?.cycles ?? 0n
    this.#management.answered({ origin: { kind: 'self', callback }, cycles }, slot, () =>
      blobReply(readRandomOutcome(failed, data)),
    )
  }

  #found(text: string, failed: boolean, data: Uint8Array, slot: Slot): void {
    let principal: Uint8Array
    let told: { process?: unknown; format?: unknown } = {}
    try {
      principal = principalFromText(text)
      if (!failed) told = JSON.parse(new TextDecoder().decode(data)) as typeof told
    } catch {
      return
    }
    const process = typeof told?.process === 'string' && isId(told.process) ? asProcessId(told.process) : undefined
    // The answer proves itself: whoever gives it cannot name another process.
    const isTrue = process !== undefined && equalBytes(principalOf(process), principal)
    this.#parts.post.found(
      principal,
      isTrue ? { process, candid: told.format === 'canister' } : notFound(principal),
      slot,
    )
  }

  #outcallDone(callback: number, failed: boolean, data: Uint8Array, slot: Slot): void {
    const outcall = takeOutcall(slot.cells, callback)
    if (outcall === undefined) return
    const made = getCallback(slot.cells, callback)
    // Code that came after that of the call is not asked, as it does not hear of it.
    const isHeard = made !== undefined && this.#parts.calls.isHeard(made, slot)
    this.#management.answered({ origin: { kind: 'self', callback }, cycles: made?.cycles ?? 0n }, slot, () => {
      const response = readHttpOutcome(failed, data)
      const { transform, maxBytes } = outcall
      if (transform === undefined || !isHeard) return httpReply(response)
      const transformed = this.#transform(transform.method, transformArgument(response, transform.context), slot)
      if (transformed.length <= maxBytes) return transformed
      throw new Rejected('IC0406', `Transformed http response exceeds limit: ${maxBytes}`, REJECT.fatal)
    })
  }

  #transform(method: string, arg: Uint8Array, slot: Slot): Uint8Array {
    const { machine } = this.#parts
    const code = machine.code(slot.cells)
    if (code?.entries.has(`canister_query ${method}`) !== true)
      throw new Rejected('IC0536', `Canister has no query method '${method}'.`)
    const entry = {
      mode: MODES.TQ,
      caller: NO_BYTES,
      arg,
      answers: true,
      replyMaxBytes: PAYLOAD_MAX_BYTES,
      gasLimit: slot.left / 2n,
    }
    const { execution, trap, gas } = machine.execute(code, `canister_query ${method}`, entry, slot.nowNs, 'nothing')
    slot.spend(gas)
    if (trap !== undefined) throw new Rejected(trap.error, trap.message)
    const { response } = execution
    if (response === undefined || 'message' in response) throw new Rejected('IC0506', 'the transform did not reply')
    return response.reply
  }
}
