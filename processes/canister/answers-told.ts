import { type CanisterAnswer, findTag, fromUtf8, type Tag, toUtf8 } from '../../protocol/index.ts'
import { PAYLOAD_MAX_BYTES, REJECT_TEXT_MAX } from './bounds.ts'
import { candidToJson, type Counted, jsonToCandid } from './candid-json.ts'
import { REJECT } from './canister-trap.ts'

export const CANDID: Tag = { name: 'Content-Type', value: 'application/candid' }
export const JSON_TYPE: Tag = { name: 'Content-Type', value: 'application/json' }

export const isCandid = (tags: readonly Tag[]): boolean => findTag(tags, 'Content-Type') === CANDID.value

/** What a message between processes says of its answer, besides whom it answers. */
export function tellAnswer(
  answer: CanisterAnswer,
  candid: boolean,
  names: () => ReadonlyMap<number, string>,
  counted: Counted,
): { tags: Tag[]; data: Uint8Array } {
  const told = candid || answer.reject !== undefined ? answer : asJson(answer.reply, names(), counted)
  if (told.reject === undefined) {
    const tags: Tag[] = [{ name: 'Action', value: 'Reply' }]
    if (candid) tags.push(CANDID)
    else if (told.reply.length > 0) tags.push(JSON_TYPE)
    return { tags, data: told.reply }
  }
  const { code, error, message } = told.reject
  const tags: Tag[] = [
    { name: 'Action', value: 'Error' },
    { name: 'Error', value: error },
    { name: 'Reject-Code', value: String(code) },
    JSON_TYPE,
  ]
  return { tags, data: toUtf8(JSON.stringify({ code: error, message })) }
}

function asJson(reply: Uint8Array, names: ReadonlyMap<number, string>, counted: Counted): CanisterAnswer {
  try {
    const told = candidToJson(reply, names, counted)
    if (told.length > PAYLOAD_MAX_BYTES) throw new RangeError(`${told.length} bytes`)
    return { reply: told }
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    return { reject: { code: REJECT.error, error: 'IC0504', message: `the reply cannot be told as JSON: ${why}` } }
  }
}

/** Reads the answer of another process. */
export function readAnswer(tags: readonly Tag[], data: Uint8Array, counted: Counted): CanisterAnswer {
  const error = findTag(tags, 'Error')
  if (findTag(tags, 'Action') === 'Error' || error !== undefined) return { reject: readReject(tags, data, error) }
  if (isCandid(tags)) return { reply: data }
  try {
    return { reply: jsonToCandid(data, counted) }
  } catch (why) {
    const message = `the reply cannot be told as Candid: ${why instanceof Error ? why.message : ''}`
    return { reject: { code: REJECT.error, error: 'IC0504', message } }
  }
}

function readReject(tags: readonly Tag[], data: Uint8Array, error: string | undefined) {
  const code = Number(findTag(tags, 'Reject-Code') ?? REJECT.canister)
  const isCode = Number.isInteger(code) && code >= 1 && code <= 6
  return {
    code: isCode ? code : REJECT.canister,
    error: error ?? 'IC0406',
    message: messageIn(data).slice(0, REJECT_TEXT_MAX).toWellFormed(),
  }
}

/** The text of an error: `message` of a JSON object, or the data themselves. */
function messageIn(data: Uint8Array): string {
  let text: string
  try {
    text = fromUtf8(data)
  } catch {
    return 'the call failed'
  }
  try {
    const told = JSON.parse(text) as { message?: unknown } | null
    if (typeof told?.message === 'string') return told.message.toWellFormed()
  } catch {
    // Not JSON: the text is the message.
  }
  return text
}

/** Cycles that a message brings. */
export function cyclesOf(tags: readonly Tag[]): bigint {
  return naturalOf(findTag(tags, 'Cycles'), (1n << 128n) - 1n)
}

/** The time of which a best-effort call speaks. */
export function deadlineOf(tags: readonly Tag[]): bigint {
  return naturalOf(findTag(tags, 'Deadline'), (1n << 64n) - 1n)
}

function naturalOf(text: string | undefined, max: bigint): bigint {
  if (text === undefined || !/^(?:0|[1-9][0-9]{0,38})$/.test(text)) return 0n
  const value = BigInt(text)
  return value > max ? 0n : value
}
