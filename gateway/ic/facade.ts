/**
 * The HTTP interface of the IC on one port, so that unmodified clients of the IC work against this node
 * (IC interface specification, "HTTPS interface").
 *
 * 1. Nothing is decided here: requests go into feeds, and what is certified was read from results.
 * 2. A bad request is answered with 4xx and a sentence, never with 5xx.
 * 3. It is for everybody: no credentials, and pages of any origin may use it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  encodeIc,
  equalBytes,
  FAILURES,
  Failure,
  IC_BODY_MAX_BYTES,
  IC_QUERY_BODY_MAX_BYTES,
  icMap,
  type IcMap,
  principalOf,
} from '../../protocol/index.ts'
import { sendBytes, sendJson, sendPreflight, sendText } from '../ao/exchange.ts'
import { readPlainBody } from '../body.ts'
import { type CallAnswer, takeCall } from './call.ts'
import { type Desk, openDesk } from './desk.ts'
import { goneOf } from './held.ts'
import { principalInPath } from './incoming.ts'
import { createPages, type PagesFacade } from './pages.ts'
import type { IcFacadeParts } from './parts.ts'
import { takeQuery } from './query.ts'
import { readState } from './read-state.ts'
import { HttpRefusal } from './refusal.ts'

/** Answers a request if it is the IC's; false: it is somebody else's, and nothing was touched. Never rejects. */
export type IcFacade = (request: IncomingMessage, response: ServerResponse, url: () => URL) => Promise<boolean>

/** The API for agents, and the pages of canisters. */
export interface IcFaces {
  readonly api: IcFacade
  readonly pages: PagesFacade
}

/** Where tools for local networks of the IC ask under which canister id they may create others. */
const CBOR = { 'content-type': 'application/cbor' }
const TOPOLOGY = '/_/topology'
const ENDPOINT = /^\/api\/v([234])\/(canister|subnet)\/([a-z0-9-]{1,63})\/(call|query|read_state)$/
const VERSIONS: Readonly<Record<string, string>> = { call: '234', query: '23', read_state: '23' }

export function createIcFaces(parts: IcFacadeParts): IcFaces {
  const desk = openDesk(parts)
  return { api: createApi(desk), pages: createPages(desk) }
}

function createApi(desk: Desk): IcFacade {
  return async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (!path.startsWith('/api/') && path !== TOPOLOGY) return false
    if (request.method === 'OPTIONS') {
      sendPreflight(response)
      return true
    }
    try {
      await answer(desk, request, response, path)
    } catch (error) {
      fail(desk.parts, response, error)
    }
    return true
  }
}

async function answer(desk: Desk, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  if (path === '/api/v2/status') {
    expectMethod(request, 'GET')
    return sendCbor(response, statusOf(desk))
  }
  if (path === TOPOLOGY) {
    expectMethod(request, 'GET')
    return sendJson(response, 200, topologyOf(desk))
  }
  const [, version = '', kind, name = '', action = ''] = ENDPOINT.exec(path) ?? []
  if (VERSIONS[action]?.includes(version) !== true) throw new HttpRefusal(404, 'There is nothing at that path.')
  expectMethod(request, 'POST')
  const principal = principalInPath(name)
  if (kind === 'subnet' && !equalBytes(principal, desk.parts.keys.subnetId))
    throw new HttpRefusal(404, 'That is not the subnet of this node.')
  const effective = kind === 'subnet' ? undefined : principal
  const bytes = await readPlainBody(request, action === 'query' ? IC_QUERY_BODY_MAX_BYTES : IC_BODY_MAX_BYTES)
  if (action === 'query') return sendBytes(response, 200, await takeQuery(desk, bytes, effective), CBOR)
  if (action === 'read_state')
    return sendCbor(response, icMap({ certificate: await readState(desk, bytes, effective) }))
  sendCall(response, await takeCall(desk, bytes, effective, version === '2' ? undefined : goneOf(response)))
}

function statusOf({ parts }: Desk): IcMap {
  return icMap({
    impl_version: parts.version,
    replica_health_status: 'healthy',
    root_key: parts.keys.rootKey,
  })
}

/** Any canister id leads to this node, also for what does not exist yet: one is named that stays the same. */
function topologyOf({ parts }: Desk): object {
  const id = Buffer.from(principalOf(parts.scheduler.key)).toString('base64')
  return { default_effective_canister_id: { canister_id: id } }
}

function sendCall(response: ServerResponse, answer: CallAnswer): void {
  switch (answer.status) {
    case 'taken':
      return sendBytes(response, 202, new Uint8Array(0), {})
    case 'certified':
      return sendCbor(response, icMap({ status: 'replied', certificate: answer.certificate }))
    case 'refused': {
      const { code, error, message } = answer.refusal
      return sendCbor(
        response,
        icMap({ status: 'non_replicated_rejection', reject_code: code, reject_message: message, error_code: error }),
      )
    }
  }
}

function sendCbor(response: ServerResponse, value: IcMap): void {
  sendBytes(response, 200, encodeIc(value), CBOR)
}

function expectMethod({ method }: IncomingMessage, expected: string): void {
  if (method !== expected && !(expected === 'GET' && method === 'HEAD')) throw new HttpRefusal(405, `Use ${expected}.`)
}

/** Clients show the text; what this machine is to blame for shows its title alone. */
function fail({ trouble }: IcFacadeParts, response: ServerResponse, error: unknown): void {
  if (error instanceof HttpRefusal) return sendText(response, error.status, error.message)
  const failure = Failure.from(error)
  const { status, title } = FAILURES[failure.code]
  if (failure.blame === 'host') trouble?.(failure)
  sendText(response, status, failure.blame === 'host' ? title : failure.message)
}
