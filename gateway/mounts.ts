import { Failure } from '../protocol/index.ts'
import { SECURITY_HEADERS } from './answer.ts'
import type { Call } from './call.ts'
import type { Mount } from './parts.ts'

/** Has the first face answer whose request it is. @throws {Failure} `not-found` if it is nobody's */
export async function serveMounts(mounts: readonly Mount[], call: Call, proceed: () => void): Promise<void> {
  const { request, response } = call
  if (mounts.length === 0) throw new Failure('not-found')
  const url = () => urlOf(request)
  for (const [header, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(header, value)
  response.setHeader('x-request-id', call.id)
  proceed()
  for (const mount of mounts) {
    if (await mount(request, response, url)) return
  }
  throw new Failure('not-found')
}

/** @throws {Failure} `malformed-request` */
function urlOf({ url = '', headers: { host = '' } }: Call['request']): URL {
  const found = url.startsWith('/') ? URL.parse(`http://${host}${url}`) : null
  if (found === null) throw new Failure('malformed-request', {}, { note: 'expected a path' })
  return found
}
