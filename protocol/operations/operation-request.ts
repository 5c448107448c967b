import { z } from 'zod'
import { Failure } from '../failures/failure.ts'
import type { OperationRow } from './operation.ts'
import { type OperationInput, type OperationName, type OperationOutput, rowOf } from './operations.ts'
import { toJsonValue } from '../codec/wire.ts'

/** A call as it travels: filled path, query as text, and the body. */
export interface OperationRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Without the question mark; empty if there is none. */
  readonly query: string
  readonly mediaType: string | undefined
  readonly body: Uint8Array | string | undefined
}

/** What a request carried, taken apart but not yet understood. */
export interface ReceivedParts {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** Bytes, or the parsed JSON, as the row of the operation says. */
  readonly body: unknown
}

const fieldsOf = new WeakMap<z.ZodObject, readonly string[]>()

function fieldNames(schema: z.ZodObject): readonly string[] {
  let names = fieldsOf.get(schema)
  if (names === undefined) {
    names = Object.keys(schema.shape)
    fieldsOf.set(schema, names)
  }
  return names
}

/** The parts of the request that asks for an operation, a JSON body as its text. @throws {Failure} `malformed-request`, `too-large` */
export function encodeRequestParts<N extends OperationName>(
  name: N,
  input: OperationInput<N>,
): ReceivedParts & Pick<OperationRequest, 'body'> {
  const row = rowOf(name)
  const given = input as Readonly<Record<string, unknown>>
  return {
    params: encodeFields(row.params, given),
    query: encodeFields(row.query, given),
    body: encodeBody(row, given).body,
  }
}

/** Makes the request that asks for an operation. @throws {Failure} `malformed-request`, `too-large` */
export function encodeRequest<N extends OperationName>(name: N, input: OperationInput<N>): OperationRequest {
  const row = rowOf(name)
  const given = input as Readonly<Record<string, unknown>>
  const params = encodeFields(row.params, given)
  const query = encodeFields(row.query, given)
  const path = row.path.replace(/\{(\w+)\}/g, (_, param: string) => encodeURIComponent(params[param] ?? ''))
  const search = new URLSearchParams(query).toString()
  return { method: row.method, path, query: search, ...encodeBody(row, given) }
}

function encodeFields(schema: z.ZodObject, given: Readonly<Record<string, unknown>>): Record<string, string> {
  const picked = pick(schema, given)
  if (picked === undefined) return {}
  const encoded = z.safeEncode(schema, picked)
  if (!encoded.success) throw malformedRequest(encoded.error)
  return encoded.data as Record<string, string>
}

function pick(schema: z.ZodObject, given: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const names = fieldNames(schema)
  if (names.length === 0) return undefined
  const picked: Record<string, unknown> = {}
  for (const name of names) {
    if (given[name] !== undefined) picked[name] = given[name]
  }
  return picked
}

function encodeBody(
  row: OperationRow,
  given: Readonly<Record<string, unknown>>,
): Pick<OperationRequest, 'mediaType' | 'body'> {
  if (row.body === undefined) return { mediaType: undefined, body: undefined }
  if (row.body.kind === 'bytes') {
    const { bytes } = given
    if (!(bytes instanceof Uint8Array)) throw new Failure('malformed-request', {}, { note: 'expected bytes' })
    if (bytes.length > row.body.limitBytes) {
      throw new Failure('too-large', { maxBytes: row.body.limitBytes })
    }
    return { mediaType: row.body.mediaType, body: bytes }
  }
  const encoded = z.safeEncode(row.body.schema, pick(row.body.schema, given) ?? {})
  if (!encoded.success) throw malformedRequest(encoded.error)
  const body = JSON.stringify(encoded.data)
  if (body.length > row.body.limitBytes) {
    throw new Failure('too-large', { maxBytes: row.body.limitBytes })
  }
  return { mediaType: 'application/json', body }
}

/**
 * Checks the input of a call that never becomes a request, by the same rules: fields, shapes, sizes.
 * Gives the fields that the operation knows. @throws {Failure} `malformed-request`, `too-large`
 */
export function checkInput<N extends OperationName>(name: N, input: OperationInput<N>): OperationInput<N> {
  const row = rowOf(name)
  const given = input as Readonly<Record<string, unknown>>
  encodeFields(row.params, given)
  encodeFields(row.query, given)
  const { body } = encodeBody(row, given)
  const checked = { ...pick(row.params, given), ...pick(row.query, given) }
  if (row.body?.kind === 'json') Object.assign(checked, pick(row.body.schema, given))
  return (row.body?.kind === 'bytes' ? { ...checked, bytes: body } : checked) as OperationInput<N>
}

/** Reads the parts of a request into the input of an operation. @throws {Failure} `malformed-request` */
export function decodeRequest<N extends OperationName>(name: N, parts: ReceivedParts): OperationInput<N> {
  const row = rowOf(name)
  const input: Record<string, unknown> = {
    ...decodeFields(row.params, parts.params),
    ...decodeFields(row.query, parts.query),
  }
  if (row.body?.kind === 'bytes') input['bytes'] = parts.body
  if (row.body?.kind === 'json') Object.assign(input, decodeWith(row.body.schema, parts.body))
  return input as OperationInput<N>
}

function decodeFields(schema: z.ZodObject, given: Readonly<Record<string, string>>): Record<string, unknown> {
  if (fieldNames(schema).length === 0 && Object.keys(given).length === 0) return {}
  return decodeWith(schema, given)
}

function decodeWith(schema: z.ZodObject, value: unknown): Record<string, unknown> {
  const decoded = z.safeDecode(schema, value as z.input<typeof schema>)
  if (!decoded.success) throw malformedRequest(decoded.error)
  return decoded.data
}

/** Says which fields were wrong, and shows nothing of what was sent. */
export function malformedRequest(error: z.ZodError): Failure {
  const problems = error.issues
    .slice(0, 8)
    .map(issue => `${issue.path.join('.') || 'request'}: ${issue.message}`.slice(0, 200))
  return new Failure('malformed-request', { problems })
}

/** The JSON text of an answer. */
export function encodeAnswer(value: unknown): string {
  return JSON.stringify(toJsonValue(value))
}

/**
 * Reads what a node answered.
 * @throws {Failure} `unreachable` when it has not the shape of an answer: no node of this network speaks there.
 */
export function decodeAnswer<N extends OperationName>(name: N, value: unknown): OperationOutput<N> {
  const { answer } = rowOf(name)
  if (answer.kind === 'bytes') {
    if (value instanceof Uint8Array) return value as OperationOutput<N>
    throw new Failure('unreachable', { operation: name }, { note: 'expected bytes' })
  }
  const decoded = z.safeDecode(answer.schema, value)
  if (decoded.success) return decoded.data as OperationOutput<N>
  const problems = decoded.error.issues.slice(0, 4).map(issue => `${issue.path.join('.')}: ${issue.message}`)
  throw new Failure(
    'unreachable',
    { operation: name, problems },
    { note: 'what answers there is no Atoll node of this version' },
  )
}
