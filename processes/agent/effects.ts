import { Buffer } from 'node:buffer'
import type { GuestContext, Tag } from '../../protocol/index.ts'
import { badCall } from '../actor/guest-stop.ts'
import { AGENT_GAS } from './gas.ts'
import { WRITTEN } from './guest/written.ts'

/** What a run asks for, as the program inside writes it. */
export interface Effects {
  readonly sends?: readonly (readonly [
    isSpawn: 0 | 1,
    to: string,
    tags: readonly string[],
    data: string,
    depthMin?: number,
    fuelMax?: number,
  ])[]
  readonly timers?: readonly (readonly [key: string, dueMs?: number, everyMs?: number])[]
  /** One at least: nothing else of the run counts then. */
  readonly failures?: readonly Failure[]
}

type Failure = readonly [step: number, code: string, message: string, stack: string, isFinal: boolean, request: number]

/** What came of a run that came back. */
export interface Sealed {
  readonly effects: Effects
  readonly output: Uint8Array
}

export const NO_EFFECTS: Effects = {}
const LINE_FEED = 10
const REPLY_HEAD = Buffer.from('{"reply":')
const REPLY_END = Buffer.from('}')
const MARK = WRITTEN.charCodeAt(0)
const CODE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const CODE_MAX = 64
/** What an agent may ask for in one slot stands in the outbox's limits; this only keeps nonsense from being looked at. */
const ENTRIES_MAX = 1024

/**
 * Takes effects and output apart: JSON or nothing, a line feed, the output; or a reply alone. `reply` is what the host wrote of one. A program can bend
 * all that runs beside it in its engine, so nothing is believed of what comes out.
 * @throws {GuestStop} `bad-call`
 */
export function readSealed(sealed: Buffer, reply: Uint8Array | undefined): Sealed {
  const end = sealed.indexOf(LINE_FEED)
  if (end < 0) return { effects: NO_EFFECTS, output: around(isWritten(sealed, 0) ? written(reply) : sealed, REPLY_END) }
  // A reply stands first in an output.
  const replyAt = end + 1 + REPLY_HEAD.length
  const output = isWritten(sealed, replyAt)
    ? around(written(reply), sealed.subarray(replyAt + 1))
    : Uint8Array.prototype.slice.call(sealed, end + 1)
  if (end === 0) return { effects: NO_EFFECTS, output }
  let effects: unknown
  try {
    effects = JSON.parse(sealed.toString('utf8', 0, end))
  } catch {
    throw badCall('answer', 'its effects are no JSON')
  }
  if (!areEffects(effects)) throw badCall('answer', 'its effects have another form')
  return { effects, output }
}

const isWritten = (text: Uint8Array, at: number): boolean => text[at] === MARK

function written(reply: Uint8Array | undefined): Uint8Array {
  if (reply === undefined) throw badCall('answer', 'it tells a reply that was not written')
  return reply
}

/** An output that begins with this reply. */
function around(reply: Uint8Array, rest: Uint8Array): Uint8Array {
  // Of its own a buffer costs more than all that is written into it.
  const output = Buffer.allocUnsafe(REPLY_HEAD.length + reply.length + rest.length)
  output.set(REPLY_HEAD)
  output.set(reply, REPLY_HEAD.length)
  output.set(rest, REPLY_HEAD.length + reply.length)
  return output
}

function areEffects(value: unknown): value is Effects {
  if (typeof value !== 'object' || value === null) return false
  const { sends, timers, failures } = value as Record<string, unknown>
  return (
    (sends === undefined || isListOf(sends, isSend)) &&
    (timers === undefined || isListOf(timers, isTimer)) &&
    (failures === undefined || (isListOf(failures, isFailure) && (failures as readonly Failure[]).length > 0))
  )
}

const isListOf = (value: unknown, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length <= ENTRIES_MAX && value.every(isOne)

const isText = (value: unknown): boolean => typeof value === 'string'

function isSend(value: unknown): boolean {
  if (!Array.isArray(value) || (value.length !== 4 && value.length !== 6)) return false
  const [kind, to, tags, data, ...bounds] = value
  if (!bounds.every(bound => Number.isSafeInteger(bound) && bound >= 0)) return false
  return (kind === 0 || kind === 1) && isText(to) && isListOf(tags, isText) && isText(data)
}

function isTimer(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > 3) return false
  const [key, dueMs, everyMs] = value
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a key has one byte a character
  const isKey = typeof key === 'string' && /^[\x00-\xff]+$/.test(key)
  return isKey && [dueMs, everyMs].every(ms => ms === undefined || (Number.isSafeInteger(ms) && ms >= 0))
}

function isFailure(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 6) return false
  const [step, code, message, stack, isFinal, request] = value
  const isCode = typeof code === 'string' && code.length <= CODE_MAX && CODE.test(code)
  const areWhole = Number.isSafeInteger(step) && Number.isSafeInteger(request)
  return areWhole && isCode && isText(message) && isText(stack) && typeof isFinal === 'boolean'
}

/** Gas of carrying the effects out. */
export function gasOf({ effects, output }: Sealed): number {
  let gas = AGENT_GAS.outputByte * output.length
  for (const [isSpawn, , tags, data] of effects.sends ?? []) {
    let bytes = Buffer.byteLength(data)
    for (const text of tags) bytes += Buffer.byteLength(text)
    gas += (isSpawn === 1 ? AGENT_GAS.spawn : AGENT_GAS.send) + AGENT_GAS.sendByte * bytes
  }
  return gas + AGENT_GAS.timer * (effects.timers?.length ?? 0)
}

/** Carries effects out, in their order. */
export function applyEffects({ sends = [], timers = [] }: Effects, context: GuestContext): void {
  for (const [isSpawn, to, flat, text, depthMin, fuelMax] of sends) {
    const tags: Tag[] = []
    for (let at = 0; at < flat.length; at += 2) tags.push({ name: flat[at] ?? '', value: flat[at + 1] ?? '' })
    const data = new Uint8Array(Buffer.from(text))
    if (isSpawn === 1) context.spawn({ module: to, tags, data, depthMin, fuelMax })
    else context.send({ to, tags, data, depthMin, fuelMax })
  }
  for (const [key, dueMs, everyMs] of timers) {
    if (dueMs === undefined) context.clearTimer(key)
    else context.setTimer(key, dueMs, everyMs)
  }
}
