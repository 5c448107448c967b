import type { IncomingMessage } from 'node:http'
import { Failure } from '../../../protocol/index.ts'
import { type Exchange, nothingThere, sendJson, sendText } from '../exchange.ts'
import { fieldAt } from './fields.ts'

/** What is read at a path of HyperBEAM, and in which form. */
export interface Wanted {
  /** Names along the way into what is there. */
  readonly keys: readonly string[]
  readonly isJson: boolean
}

/** Ends of a path that want JSON. */
const AS_JSON = /\/(serialize~json@1\.0|~json@1\.0\/serialize)\/?$/

/** Reads what stands behind the part of a path that says of what it is. @throws {Failure} `malformed-request` */
export function readWanted(request: IncomingMessage, rest: string): Wanted {
  const [path = '', search] = rest.split('?', 2)
  const keys = path.replace(AS_JSON, '').split('/').filter(Boolean).map(decodePart)
  return { keys, isJson: AS_JSON.test(path) || asksForJson(request, new URLSearchParams(search)) }
}

function asksForJson({ headers }: IncomingMessage, query: URLSearchParams): boolean {
  const codecs = [query.get('require-codec'), headers['require-codec'], query.get('accept'), headers.accept]
  return codecs.some(codec => codec === 'application/json' || codec === 'json@1.0')
}

/** Answers with what is wanted of `value`: maps and lists as JSON in any case, all else as text. @throws {Failure} `not-found` */
export function sendWanted(exchange: Exchange, value: unknown, { keys, isJson }: Wanted): void {
  const found = fieldAt(value, keys)
  if (found === undefined) nothingThere(exchange)
  if (typeof found === 'object' && found !== null) sendJson(exchange.response, 200, found)
  else if (isJson) sendJson(exchange.response, 200, { body: found })
  else sendText(exchange.response, 200, String(found))
}

/** A part of a path, with what was escaped. @throws {Failure} `malformed-request` */
export function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new Failure('malformed-request', {}, { cause, note: 'the path is not well-formed' })
  }
}
