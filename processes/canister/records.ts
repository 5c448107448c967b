import { asProcessId, CborReader, CborWriter, type Cells, type ProcessId, toBase64Url } from '../../protocol/index.ts'
import { everyKeyUnder, numbered } from './cell-keys.ts'

/** Who waits for the answer to a call, and how it is told. */
export type Origin =
  /** A user: the answer stands in the output, under this id. */
  | { readonly kind: 'user'; readonly call: Uint8Array }
  /** A process: a push with its reference. `candid` says whether it speaks Candid; others speak JSON. */
  | {
      readonly kind: 'process'
      readonly process: ProcessId
      readonly reference: string
      readonly candid: boolean
      readonly depth: number
    }
  /** The canister itself, by the number of its callback. */
  | { readonly kind: 'self'; readonly callback: number }
  /** Nobody: a heartbeat, a timer, a message that wants no answer. */
  | { readonly kind: 'nobody' }

/** A call that the canister has taken and not yet done with. */
export interface CallContext {
  readonly id: number
  readonly origin: Origin
  readonly caller: Uint8Array
  readonly responded: boolean
  /** Callbacks that are still to come. */
  readonly outstanding: number
  /** Cycles of the call that are left. */
  readonly available: bigint
  readonly deadlineNs: bigint
  /** Instructions used so far. */
  readonly used: bigint
  /** How deep the request lay in its tree: its calls lie one deeper, whenever they are made. */
  readonly depth: number
  /** Of the answer, where the method decides how Candid is made JSON. */
  readonly method: string
  /** The code is gone that it was a call of: it has its answer, and nothing goes on with it. */
  readonly abandoned: boolean
}

/** What a call waits for that comes from outside, and until when: an effect may be lost. */
export interface OutsideWait {
  readonly dueNs: bigint
  /** Whose process is looked for; nothing, if it is an outcome that is waited for. */
  readonly principal: Uint8Array | undefined
}

/** A call that the canister has made and that has had no answer. */
export interface Callback {
  readonly id: number
  readonly context: number
  readonly reply: readonly [fun: number, env: bigint]
  readonly reject: readonly [fun: number, env: bigint]
  readonly cleanup: readonly [fun: number, env: bigint] | undefined
  readonly cycles: bigint
  /** Of a best-effort call; 0 if it waits for ever. */
  readonly deadlineNs: bigint
  /** Whose answer counts; nothing while it is not known, or if it is the outside's. */
  readonly callee: ProcessId | undefined
  readonly outside: OutsideWait | undefined
}

const LOW = (1n << 64n) - 1n
const ORIGINS = ['user', 'process', 'self', 'nobody'] as const

export const CONTEXTS = 'x/'
export const CALLBACKS = 'k/'

export function putContext(cells: Cells, context: CallContext): void {
  const writer = new CborWriter()
  writer.array(context.abandoned ? 11 : 10)
  writeOrigin(writer, context.origin)
  writer.bytes(context.caller)
  writer.bool(context.responded)
  writer.uint(context.outstanding)
  writer.uint(context.available >> 64n)
  writer.uint(context.available & LOW)
  writer.uint(context.deadlineNs)
  writer.uint(context.used)
  writer.uint(context.depth)
  writer.text(context.method)
  if (context.abandoned) writer.bool(true)
  cells.set(numbered(CONTEXTS, context.id), writer.finish())
}

export function getContext(cells: Cells, id: number): CallContext | undefined {
  const bytes = cells.get(numbered(CONTEXTS, id))
  if (bytes === undefined) return undefined
  const reader = new CborReader(bytes)
  const abandoned = reader.array() > 10
  return {
    id,
    abandoned,
    origin: readOrigin(reader),
    caller: reader.bytes(),
    responded: reader.bool(),
    outstanding: Number(reader.uint()),
    available: readWide(reader),
    deadlineNs: BigInt(reader.uint()),
    used: BigInt(reader.uint()),
    depth: Number(reader.uint()),
    method: reader.text(),
  }
}

export function writeOrigin(writer: CborWriter, origin: Origin): void {
  const kind = ORIGINS.indexOf(origin.kind)
  switch (origin.kind) {
    case 'user':
      writer.array(2)
      writer.uint(kind)
      writer.bytes(origin.call)
      return
    case 'process':
      writer.array(5)
      writer.uint(kind)
      writer.base64Url(origin.process)
      writer.text(origin.reference)
      writer.bool(origin.candid)
      writer.uint(origin.depth)
      return
    case 'self':
      writer.array(2)
      writer.uint(kind)
      writer.uint(origin.callback)
      return
    case 'nobody':
      writer.array(1)
      writer.uint(kind)
  }
}

export function readOrigin(reader: CborReader): Origin {
  reader.array()
  const kind = ORIGINS[Number(reader.uint())] ?? 'nobody'
  switch (kind) {
    case 'user':
      return { kind, call: reader.bytes() }
    case 'process': {
      const process = asProcessId(toBase64Url(reader.bytes()))
      return { kind, process, reference: reader.text(), candid: reader.bool(), depth: Number(reader.uint()) }
    }
    case 'self':
      return { kind, callback: Number(reader.uint()) }
    case 'nobody':
      return { kind }
  }
}

export function putCallback(cells: Cells, callback: Callback): void {
  const writer = new CborWriter()
  writer.array(11)
  writer.uint(callback.context)
  for (const [fun, env] of [callback.reply, callback.reject]) {
    writer.uint(fun)
    writer.uint(env)
  }
  const { cleanup, callee } = callback
  if (cleanup === undefined) writer.null()
  else {
    writer.array(2)
    writer.uint(cleanup[0])
    writer.uint(cleanup[1])
  }
  writer.uint(callback.cycles >> 64n)
  writer.uint(callback.cycles & LOW)
  writer.uint(callback.deadlineNs)
  if (callee === undefined) writer.null()
  else writer.base64Url(callee)
  if (callback.outside === undefined) writer.null()
  else {
    writer.array(2)
    writer.uint(callback.outside.dueNs)
    writer.bytes(callback.outside.principal ?? new Uint8Array(0))
  }
  cells.set(numbered(CALLBACKS, callback.id), writer.finish())
}

export function getCallback(cells: Cells, id: number): Callback | undefined {
  const bytes = cells.get(numbered(CALLBACKS, id))
  if (bytes === undefined) return undefined
  const reader = new CborReader(bytes)
  reader.array()
  const context = Number(reader.uint())
  const reply = readFunction(reader)
  const reject = readFunction(reader)
  const cleanup = readCleanup(reader)
  const cycles = readWide(reader)
  const deadlineNs = BigInt(reader.uint())
  const callee = reader.isNull() ? (reader.null() ?? undefined) : asProcessId(toBase64Url(reader.bytes()))
  return { id, context, reply, reject, cleanup, cycles, deadlineNs, callee, outside: readOutside(reader) }
}

/** The calls that the canister has made and that have had no answer, in order. */
export function* callbacksIn(cells: Cells): Generator<Callback> {
  for (const key of everyKeyUnder(cells, CALLBACKS)) {
    const callback = getCallback(cells, Number(key.slice(CALLBACKS.length)))
    if (callback !== undefined) yield callback
  }
}

function readOutside(reader: CborReader): OutsideWait | undefined {
  if (reader.isNull()) return undefined
  reader.array()
  const dueNs = BigInt(reader.uint())
  const principal = reader.bytes().slice()
  return { dueNs, principal: principal.length === 0 ? undefined : principal }
}

function readCleanup(reader: CborReader): Callback['cleanup'] {
  if (reader.isNull()) {
    reader.null()
    return undefined
  }
  reader.array()
  return readFunction(reader)
}

function readFunction(reader: CborReader): readonly [fun: number, env: bigint] {
  return [Number(reader.uint()), BigInt(reader.uint())]
}

const readWide = (reader: CborReader): bigint => (BigInt(reader.uint()) << 64n) | BigInt(reader.uint())
