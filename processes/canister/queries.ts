import {
  type CanisterAnswer,
  type CompositeCall,
  CborWriter,
  decodeCompositeQuery,
  encodeCanisterOutput,
  encodeCompositeCalls,
  findTag,
  type GuestMessage,
  MalformedBytes,
  principalFromText,
  principalOf,
  principalText,
  isId,
  joinBytes,
} from '../../protocol/index.ts'
import { INSPECT_GAS } from './bounds.ts'
import type { CallsTaken } from './calls-taken.ts'
import { isCandid } from './answers-told.ts'
import { jsonToCandid } from './candid-json.ts'
import { type CanisterTrap, REJECT, Rejected } from './canister-trap.ts'
import type { CanisterCode } from './code.ts'
import type { CallDraft, Entry } from './execution.ts'
import { freezingLimit, outOfCycles } from './freezing.ts'
import type { Machine } from './machine.ts'
import type { Management } from './management/management.ts'
import { MODES } from './modes.ts'
import type { Slot } from './slot.ts'
import { STATUSES } from './state.ts'

const NO_BYTES = new Uint8Array(0)

interface QueryParts {
  readonly machine: Machine
  readonly calls: CallsTaken
  readonly management: Management
}

/** What a query gives: docs/protocol/canister.md, Queries. Nothing of it is kept. */
export function answerQuery(parts: QueryParts, slot: Slot): Uint8Array {
  try {
    const given = query(parts, slot)
    return 'calls' in given ? encodeCompositeCalls(given.calls) : told(given)
  } catch (error) {
    if (error instanceof Rejected) return told({ reject: error.reject })
    if (error instanceof MalformedBytes)
      return told({ reject: { code: REJECT.canister, error: 'IC0408', message: error.message } })
    throw error
  }
}

const told = (answer: CanisterAnswer): Uint8Array =>
  encodeCanisterOutput({ answers: [[NO_BYTES, answer]], changed: false })

type Given = CanisterAnswer | { readonly calls: readonly CompositeCall[] }

function query(parts: QueryParts, slot: Slot): Given {
  const { message } = slot
  const method = findTag(message.tags, 'Action') ?? ''
  const caller = callerOf(message)
  switch (findTag(message.tags, 'Canister-Query') ?? 'query') {
    case 'query':
      return queryMethod(parts, slot, method, caller)
    case 'inspect':
      inspect(parts, slot, method, caller)
      return { reply: NO_BYTES }
    case 'management':
      return { reply: parts.management.query(method, message.data, caller, slot) }
    case 'facts':
      return { reply: facts(parts.machine, slot) }
    case 'metadata':
      return { reply: metadata(parts.machine, slot, method, caller) }
    default:
      throw new Rejected('IC0407', 'no such kind of query')
  }
}

/** Principals as text, or the address of whoever asks by other ways. */
function callerOf({ from }: GuestMessage): Uint8Array {
  return isId(from) ? principalOf(from) : principalFromText(from)
}

function queryMethod({ machine, calls }: QueryParts, slot: Slot, method: string, caller: Uint8Array): Given {
  const { status } = machine.state
  const name = principalText(machine.names.self)
  const code = machine.code(slot.cells)
  const composite = `canister_composite_query ${method}`
  const plain = `canister_query ${method}`
  const isKnown = code?.entries.has(composite) === true || code?.entries.has(plain) === true
  if (code === undefined || status !== 'running' || !isKnown) {
    const refusal = calls.refusalOf(code, method, slot)
    if (refusal !== undefined && status !== 'running') throw Rejected.of(refusal)
    if (code === undefined) throw new Rejected('IC0537', refusal?.message ?? '')
    throw new Rejected('IC0536', `Error from Canister ${name}: Canister has no query method '${method}'.`)
  }
  const frozen = outOfCycles(machine, slot.cells)
  if (frozen !== undefined) throw Rejected.of(frozen)
  const { certificate } = slot.message
  if (!code.entries.has(composite)) {
    const entry = {
      mode: MODES.NRQ,
      caller,
      arg: argumentOf(slot),
      answers: true,
      certificate,
      gasLimit: slot.left,
      frozenCycles: () => freezingLimit(machine, slot.cells),
    }
    const { execution, trap, gas } = machine.execute(code, plain, entry, slot.nowNs, 'nothing')
    slot.spend(gas)
    return answerOf(trap, execution.response, name, calls)
  }
  return compositeQuery({ machine, calls, code, name }, slot, composite, caller, certificate)
}

function argumentOf(slot: Slot): Uint8Array {
  const { from, tags, data } = slot.message
  const isNative = isId(from) && !isCandid(tags)
  return isNative ? jsonToCandid(data, count => slot.spendOnValues(count)) : data
}

function answerOf(
  trap: CanisterTrap | undefined,
  response: { readonly reply: Uint8Array } | { readonly message: string } | undefined,
  name: string,
  calls: CallsTaken,
): CanisterAnswer {
  if (trap !== undefined) return { reject: calls.trapReject(trap) }
  if (response === undefined) {
    return {
      reject: {
        code: REJECT.error,
        error: 'IC0506',
        message: `Error from Canister ${name}: Canister did not reply to the call`,
      },
    }
  }
  if ('reply' in response) return response
  return { reject: { code: REJECT.canister, error: 'IC0406', message: response.message } }
}

/** Runs a composite query with the answers that are known; gives its own, or the calls that wait for more. */
function compositeQuery(
  { machine, calls, code, name }: { machine: Machine; calls: CallsTaken; code: CanisterCode; name: string },
  slot: Slot,
  what: string,
  caller: Uint8Array,
  certificate: Uint8Array | undefined,
): Given {
  const isAgain = Number(findTag(slot.message.tags, 'Canister-Answers') ?? '0') > 0
  const { arg, answers } = isAgain ? decodeCompositeQuery(slot.message.data) : { arg: argumentOf(slot), answers: [] }
  const open: CallDraft[] = []
  let given: CanisterAnswer | undefined
  let used = 0n
  let trap: CanisterTrap | undefined
  const run = (
    entryPoint: string | readonly [fun: number, env: bigint],
    entry: Pick<Entry, 'mode'> & Partial<Entry>,
  ): void => {
    const executed = machine.execute(
      code,
      entryPoint,
      {
        caller,
        arg: NO_BYTES,
        answers: given === undefined,
        gasLimit: slot.left,
        usedBefore: used,
        frozenCycles: () => freezingLimit(machine, slot.cells),
        ...entry,
      },
      slot.nowNs,
    )
    slot.spend(executed.gas)
    used += executed.gas
    trap = executed.trap
    if (trap !== undefined) return
    const { response, calls: made } = executed.execution
    if (response !== undefined) given = answerOf(undefined, response, name, calls)
    open.push(...made)
  }
  run(what, { mode: MODES.CQ, arg, certificate })
  if (trap !== undefined) return { reject: calls.trapReject(trap) }
  for (const answer of answers) {
    const call = open.shift()
    if (call === undefined || given !== undefined) break
    if (answer.reject === undefined) run(call.reply, { mode: MODES.CRy, arg: answer.reply })
    else run(call.reject, { mode: MODES.CRt, reject: answer.reject })
    if (trap === undefined) continue
    const failed = trap
    if (call.cleanup !== undefined) run(call.cleanup, { mode: MODES.CC, answers: false })
    if (open.length === 0) return { reject: calls.trapReject(failed) }
  }
  if (given !== undefined) return given
  if (open.length === 0) return answerOf(undefined, undefined, name, calls)
  return { calls: open.map(({ callee, method, arg: parts }) => ({ callee, method, arg: joinBytes(parts) })) }
}

/** Whether a request of a user may stand in the feed. @throws {Rejected} if it may not */
function inspect({ machine, calls, management }: QueryParts, slot: Slot, method: string, caller: Uint8Array): void {
  const { message } = slot
  if (machine.state.deleted) throw new Rejected('IC0301', `Canister ${principalText(machine.names.self)} not found`)
  if (findTag(message.tags, 'Canister') === principalText(NO_BYTES)) {
    management.inspect(method, message.data, caller, slot)
    return
  }
  const code = machine.code(slot.cells)
  const refusal = calls.refusalOf(code, method, slot)
  if (refusal !== undefined) throw Rejected.of(refusal)
  if (code?.entries.has('canister_inspect_message') !== true) return
  const gasLimit = least(slot.left, INSPECT_GAS)
  const entry = { mode: MODES.F, caller, arg: message.data, method, answers: false, gasLimit }
  const { execution, trap, gas } = machine.execute(code, 'canister_inspect_message', entry, slot.nowNs, 'nothing')
  slot.spend(gas)
  if (trap !== undefined) {
    throw Rejected.of(calls.trapReject(trap))
  }
  if (!execution.accepted) throw new Rejected('IC0406', 'Canister rejected the message', REJECT.canister)
}

/** What a certificate tells of a canister. */
function facts(machine: Machine, slot: Slot): Uint8Array {
  const { state } = machine
  if (state.deleted) throw new Rejected('IC0301', `Canister ${principalText(machine.names.self)} not found`)
  const writer = new CborWriter()
  writer.array(9)
  writer.uint(STATUSES.indexOf(state.status))
  if (state.codeHash === undefined) writer.null()
  else writer.bytes(state.codeHash)
  writer.array(state.settings.controllers.length)
  for (const controller of state.settings.controllers) writer.bytes(controller)
  writer.bytes(state.certified)
  writer.uint(state.createdNs)
  writer.uint(state.installedNs)
  const code = machine.code(slot.cells)
  const sections = code?.metadata ?? []
  writer.array(sections.length)
  for (const { name, isPublic } of sections) {
    writer.array(2)
    writer.text(name)
    writer.bool(isPublic)
  }
  writer.uint(state.version)
  writer.bool(code?.entries.has('canister_inspect_message') === true)
  return writer.finish()
}

function metadata(machine: Machine, slot: Slot, name: string, caller: Uint8Array): Uint8Array {
  const found = machine.code(slot.cells)?.metadata.find(one => one.name === name)
  const isController = machine.state.settings.controllers.some(one => principalText(one) === principalText(caller))
  if (found === undefined || !(found.isPublic || isController)) {
    throw new Rejected('IC0301', `the canister has no metadata section "${name}" for you`)
  }
  return found.content
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
