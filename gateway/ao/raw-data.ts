import type { OutgoingHttpHeaders } from 'node:http'
import { Failure, isId } from '../../protocol/index.ts'
import { type Exchange, expectMethod, nothingThere, sendBytes } from './exchange.ts'
import { findItem } from './find-item.ts'
import type { AoFacadeParts } from './parts.ts'

/** Tags that are shown as headers; others could mean something to a browser. */
const SHOWN = new Set([
  'Action',
  'App-Name',
  'Authority',
  'Compute-Limit',
  'Data-Protocol',
  'Extension',
  'From-Module',
  'From-Process',
  'Input-Encoding',
  'Memory-Limit',
  'Module',
  'Module-Format',
  'Name',
  'On-Boot',
  'Output-Encoding',
  'Pushed-For',
  'SDK',
  'Scheduler',
  'Time-To-Live',
  'Type',
  'Url',
  'Variant',
])

const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;[ \t]*[\w-]+=[\w.+-]+)*$/
const PRINTABLE = /^[\x20-\x7e]*$/

/**
 * The data of any item: `/raw/{id}`, and `/{id}` with its tags as headers. Anybody can store a web
 * page here, so a browser is told to give it neither scripts nor this node's origin.
 */
export async function answerData(parts: AoFacadeParts, exchange: Exchange, withTags: boolean): Promise<void> {
  expectMethod(exchange, 'GET')
  const [id, ...rest] = exchange.path
  if (id === undefined || rest.length > 0 || !isId(id)) nothingThere(exchange)
  const found = await findItem(parts, id)
  if (found === undefined) throw new Failure('unknown-message', { message: id })
  const { tags, data } = found.item
  const type = tags.find(({ name }) => name === 'Content-Type')?.value
  const headers: OutgoingHttpHeaders = {
    'content-type': type !== undefined && MEDIA_TYPE.test(type) ? type : 'application/octet-stream',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  }
  if (withTags) {
    for (const { name, value } of tags) {
      if (SHOWN.has(name) && PRINTABLE.test(value)) headers[name.toLowerCase()] ??= value
    }
  }
  sendBytes(exchange.response, 200, data, headers)
}
