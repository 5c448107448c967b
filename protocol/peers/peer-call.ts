import { fromUtf8, MalformedBytes } from '../codec/bytes.ts'
import { type CborKey, type CborValue, decodeCbor, encodeCbor } from '../codec/cbor.ts'
import { Failure } from '../failures/failure.ts'
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequestParts } from '../operations/operation-request.ts'
import {
  OPERATION_NAMES,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  rowOf,
} from '../operations/operations.ts'
import type { PeerCodec } from './peer-operation.ts'
import { toUtf8 } from '../codec/bytes.ts'

/** An operation of the native API with its input, as its parts are written in a path, a query and a body. */
export interface NativeCall {
  readonly name: string
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** JSON as text, or bytes. */
  readonly body: Uint8Array | string | undefined
}

/** `[name, {param: text}, {field: text}, bytes | text | null]`. */
export const nativeCallCodec: PeerCodec<NativeCall> = {
  encode: ({ name, params, query, body }) =>
    encodeCbor([name, new Map(Object.entries(params)), new Map(Object.entries(query)), body ?? null]),
  decode(bytes) {
    const value = decodeCbor(bytes)
    if (!Array.isArray(value) || value.length !== 4) throw new MalformedBytes('call: expected 4 fields', 0)
    const [name, params, query, body] = value as readonly CborValue[]
    if (typeof name !== 'string') throw new MalformedBytes('call: expected a name', 0)
    if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array))
      throw new MalformedBytes('call: expected a body', 0)
    return { name, params: readTexts(params), query: readTexts(query), body: body ?? undefined }
  },
}

/** How an operation is asked of a peer. @throws {Failure} `malformed-request`, `too-large`, `not-permitted` */
export function encodeNativeCall<N extends OperationName>(name: N, input: OperationInput<N>): NativeCall {
  refuseAdmin(name)
  return { name, ...encodeRequestParts(name, input) }
}

/** Reads what a peer asks for. @throws {Failure} `not-found`, `not-permitted`, `malformed-request`, `too-large` */
export function readNativeCall({ name, params, query, body }: NativeCall): {
  name: OperationName
  input: OperationInput<OperationName>
} {
  const known = OPERATION_NAMES.find(one => one === name)
  if (known === undefined) throw new Failure('not-found', { operation: name.slice(0, 64) })
  refuseAdmin(known)
  const row = rowOf(known).body
  if ((row?.kind === 'bytes') !== body instanceof Uint8Array || (row?.kind === 'json') !== (typeof body === 'string')) {
    throw new Failure('malformed-request', { operation: known }, { note: 'a body of another kind' })
  }
  if (row !== undefined && body !== undefined && body.length > row.limitBytes)
    throw new Failure('too-large', { maxBytes: row.limitBytes })
  return {
    name: known,
    input: decodeRequest(known, {
      params,
      query,
      body: typeof body === 'string' ? parseJson(body) : body,
    }),
  }
}

/** One answer of an operation as bytes: what it gives, or its JSON. */
export function encodeNativeAnswer(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : toUtf8(encodeAnswer(value))
}

/** Reads it. @throws {Failure} `unreachable` if it is no such answer */
export function decodeNativeAnswer<N extends OperationName>(name: N, bytes: Uint8Array): OperationOutput<N> {
  return decodeAnswer(name, rowOf(name).answer.kind === 'bytes' ? bytes : parseJson(textOf(bytes)))
}

/** Nobody is an admin over the network of peers. */
function refuseAdmin(name: OperationName): void {
  if (rowOf(name).access !== 'public') throw new Failure('not-permitted', { operation: name })
}

function readTexts(value: CborValue | undefined): Record<string, string> {
  if (!(value instanceof Map)) throw new MalformedBytes('call: expected a map of texts', 0)
  const texts: Record<string, string> = Object.create(null)
  for (const [name, text] of value as ReadonlyMap<CborKey, CborValue>) {
    if (typeof name !== 'string' || typeof text !== 'string')
      throw new MalformedBytes('call: expected a map of texts', 0)
    texts[name] = text
  }
  return texts
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new Failure('unreachable', {}, { cause, note: 'expected JSON' })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Failure('malformed-request', {}, { cause, note: 'expected JSON' })
  }
}
