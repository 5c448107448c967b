import { candidFields, candidRecord, type CandidType, type CandidValue, encodeCandid } from '../../../protocol/index.ts'

const BLOB: CandidType = { vec: 'nat8' }
const HEADERS: CandidType = { vec: { record: candidFields({ name: 'text', value: 'text' }) } }
const RESPONSE: CandidType = { record: candidFields({ status: 'nat', headers: HEADERS, body: BLOB }) }

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const responseValue = ({ status, headers, body }: HttpResponse): CandidValue =>
  candidRecord({
    status: BigInt(status),
    headers: Object.entries(headers).map(([name, value]) => candidRecord({ name, value })),
    body,
  })

export const httpReply = (response: HttpResponse): Uint8Array => encodeCandid([[RESPONSE, responseValue(response)]])

/** What a transform function is given. */
export function transformArgument(response: HttpResponse, context: Uint8Array): Uint8Array {
  const type: CandidType = { record: candidFields({ response: RESPONSE, context: BLOB }) }
  return encodeCandid([[type, candidRecord({ response: responseValue(response), context })]])
}
