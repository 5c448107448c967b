import { AO_OUTPUT_SIZE_MAX_BYTES, ERROR_TEXT_MAX_BYTES, type ResultError } from '../../protocol/index.ts'

/** JSON as parsed. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type JsonObject = { readonly [name: string]: Json }

/** What `handle` gave, read: nothing has been done with it. */
export interface Response {
  readonly error: ResultError | undefined
  readonly body: JsonObject
  readonly messages: readonly JsonObject[]
  readonly spawns: readonly JsonObject[]
  readonly assignments: readonly JsonObject[]
}

/** Levels of arrays and objects in a response: more could overflow the host's stack. */
const DEPTH_MAX = 128

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const objectsOf = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : []

/** Reads the text that `handle` gave. */
export function readResponse(text: Uint8Array): Response {
  const whole = parse(text)
  if (!isObject(whole) || !isShallow(whole, DEPTH_MAX)) return failed('bad-output', 'the program gave no JSON object')
  const body = isObject(whole['response']) ? whole['response'] : {}
  if (whole['ok'] !== true) {
    const reason = whole['response'] ?? whole['error']
    return failed('aos-error', errorText(reason ?? 'the program gave no result'), {
      Error: reason ?? 'no result',
    })
  }
  const error = body['Error']
  if (error !== undefined && error !== null && error !== false && error !== '') {
    return failed('aos-error', errorText(error), body)
  }
  return {
    error: undefined,
    body,
    messages: objectsOf(body['Messages']),
    spawns: objectsOf(body['Spawns']),
    assignments: objectsOf(body['Assignments']),
  }
}

function parse(text: Uint8Array): Json | undefined {
  try {
    return JSON.parse(decoder.decode(text)) as Json
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isShallow(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  for (const part of Object.values(value)) if (!isShallow(part, levels - 1)) return false
  return true
}

function failed(code: string, message: string, body: JsonObject = { Error: message }): Response {
  return {
    error: { code, message: cutText(message) },
    body,
    messages: [],
    spawns: [],
    assignments: [],
  }
}

const errorText = (error: Json): string => (typeof error === 'string' ? error : JSON.stringify(error))

/** Well-formed text of at most the bound of an error. */
export function cutText(text: string): string {
  const formed = text.toWellFormed()
  const bytes = encoder.encode(formed)
  if (bytes.length <= ERROR_TEXT_MAX_BYTES) return formed
  // A cut inside a character leaves U+FFFD, which takes three bytes.
  return decoder.decode(bytes.subarray(0, ERROR_TEXT_MAX_BYTES - 3)).replace(/\uFFFD$/, '')
}

/**
 * The result as AO's compute unit answers it, JSON in UTF-8; nothing if it is too large. `body` is
 * what the program gave, or `{ Error }` when it did not come so far.
 */
export function encodeOutput(body: JsonObject, gas: bigint): Uint8Array | undefined {
  const error = body['Error']
  const output = body['Output']
  const bytes = encoder.encode(
    JSON.stringify({
      Messages: body['Messages'] ?? [],
      Assignments: body['Assignments'] ?? [],
      Spawns: body['Spawns'] ?? [],
      Output: typeof output === 'number' ? String(output) : (output ?? ''),
      Error: error === null || error === false || error === '' ? undefined : error,
      GasUsed: Number(gas),
    }),
  )
  return bytes.length <= AO_OUTPUT_SIZE_MAX_BYTES ? bytes : undefined
}
