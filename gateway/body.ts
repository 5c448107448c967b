import type { IncomingMessage } from 'node:http'
import { type BodyRow, Failure, fromUtf8 } from '../protocol/index.ts'
import { BodyRoom } from './body-room.ts'

/** All gateways of a program share its memory. */
const ROOM = new BodyRoom()

/**
 * Reads the body that a row asks for; the limit is applied to the announced length before anything is read,
 * and to what comes while it is read.
 * @throws {Failure} `too-large`, `unsupported-media`, `malformed-request`, `aborted`, `busy`
 */
export async function readBody(
  request: IncomingMessage,
  row: BodyRow | undefined,
  proceed: () => void,
): Promise<unknown> {
  const { headers } = request
  const lengthBytes = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
  const isChunked = headers['transfer-encoding'] !== undefined
  if (row === undefined) {
    if (isChunked || (lengthBytes ?? 0) > 0)
      throw new Failure('malformed-request', {}, { note: 'no body is taken here' })
    return undefined
  }
  const limitBytes = row.limitBytes
  if (headers['content-encoding'] !== undefined)
    throw new Failure('unsupported-media', {}, { note: 'content-encoding is not taken' })
  expectMediaType(headers['content-type'], row.kind === 'bytes' ? row.mediaType : 'application/json')
  if (lengthBytes !== undefined && lengthBytes > limitBytes) throw tooLarge(limitBytes)
  proceed()
  const bytes = await collect(request, isChunked ? limitBytes : (lengthBytes ?? 0), ROOM)
  return row.kind === 'bytes' ? bytes : parseJson(bytes)
}

function expectMediaType(header: string | undefined, expected: string): void {
  const given = header?.split(';', 1)[0]?.trim().toLowerCase()
  if (given !== expected) throw new Failure('unsupported-media', { expected })
}

function tooLarge(maxBytes: number): Failure {
  return new Failure('too-large', { maxBytes })
}

/** The whole body of a request that is bounded by `limitBytes` and comes as it is. @throws {Failure} `too-large`, `unsupported-media`, `aborted`, `busy` */
export function readPlainBody(request: IncomingMessage, limitBytes: number, room = ROOM): Promise<Uint8Array> {
  const { 'content-encoding': encoding, 'content-length': announced, 'transfer-encoding': chunked } = request.headers
  if (encoding !== undefined && encoding !== 'identity') throw new Failure('unsupported-media', { encoding })
  const lengthBytes = chunked === undefined ? Number(announced ?? 0) : undefined
  if (lengthBytes !== undefined && lengthBytes > limitBytes) throw tooLarge(limitBytes)
  return collect(request, lengthBytes ?? limitBytes, room)
}

/** Events rather than iteration: most bodies come in one piece, and this path carries every message. */
function collect(request: IncomingMessage, maxBytes: number, room: BodyRoom): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const cut = (cause?: unknown): Failure =>
      new Failure('aborted', { sizeBytes }, { cause, note: 'the body was cut short' })
    let [sizeBytes, isWhole] = [0, false]
    // Nothing is told any more of what is closed.
    if (request.destroyed) return reject(cut())
    const end = (failure: Failure): void => {
      room.end(body)
      request.removeAllListeners('data')
      request.pause()
      reject(failure)
    }
    const body = room.begin(end)
    request.on('data', (piece: Buffer) => {
      sizeBytes += piece.length
      if (sizeBytes > maxBytes) end(tooLarge(maxBytes))
      else body.add(piece, maxBytes)
    })
    request.on('end', () => {
      isWhole = true
      resolve(room.end(body))
    })
    request.on('error', cause => end(cut(cause)))
    request.on('close', () => {
      if (!isWhole) end(cut())
    })
  })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new Failure('malformed-request', {}, { cause, note: 'the body is not JSON' })
  }
}
