/**
 * AO's wire on one port, so that unmodified clients of AO work against this node: MU_URL=<url>/mu,
 * CU_URL=<url>/cu, GATEWAY_URL=<url>; the scheduler says of itself that it is at <url>/su.
 *
 * 1. Nothing is decided here: items go to the messenger, everything else is read from log and results.
 * 2. What is not in the feed but on AO's wire (assignment items, block heights, cursors) follows from
 *    the feed alone, so every node shows the same.
 * 3. A bad request is answered with 4xx and `{error, code, next}`, never with 5xx.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure, isId } from '../../protocol/index.ts'
import { ModuleFormats } from './ao-result.ts'
import { AssignmentChain } from './assignment-chain.ts'
import { answerCu, type CuParts } from './cu.ts'
import { type Exchange, sendFailure, sendPreflight } from './exchange.ts'
import { answerGraphql } from './graphql/graphql.ts'
import { answerMainnet } from './hyperbeam/mainnet.ts'
import { answerMu } from './mu.ts'
import type { AoFacadeParts } from './parts.ts'
import { PublishedStates } from './hyperbeam/published-states.ts'
import { answerData } from './raw-data.ts'
import { answerSu } from './su.ts'

/** Answers a request if it is AO's; false: it is somebody else's, and nothing was touched. Never rejects. */
export type AoFacade = (request: IncomingMessage, response: ServerResponse, url: () => URL) => Promise<boolean>

const MAINNET =
  /^\/((push|schedule)$|~(meta|process|scheduler)@1\.0\/|[\w-]{43}(~process@1\.0\/|\/(push|schedule|slot|now|compute|as)(?![\w-])))/

export function createAoFacade(parts: AoFacadeParts): AoFacade {
  const chain = new AssignmentChain({
    log: parts.log,
    key: parts.scheduler.key,
    signItem: parts.signItem,
  })
  const cuParts: CuParts = {
    ...parts,
    chain,
    formats: new ModuleFormats(parts.log),
    published: new PublishedStates(parts.computer),
  }
  return async (request, response, urlOf) => {
    const url = urlOf()
    const room = roomOf(url.pathname)
    if (room === undefined) return false
    if (request.method === 'OPTIONS') {
      sendPreflight(response)
      return true
    }
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Failure('aborted')))
    try {
      const exchange = readExchange(request, response, url, gone.signal)
      await answer(cuParts, room, exchange, url)
    } catch (error) {
      const failure = Failure.from(error)
      if (failure.blame === 'host') parts.trouble?.(failure)
      sendFailure(response, failure)
    }
    return true
  }
}

type Room = 'mu' | 'su' | 'cu' | 'graphql' | 'raw' | 'mainnet' | 'data'

function roomOf(pathname: string): Room | undefined {
  const [, first = ''] = pathname.split('/', 2)
  if (first === 'mu' || first === 'su' || first === 'cu' || first === 'graphql' || first === 'raw') return first
  if (MAINNET.test(pathname)) return 'mainnet'
  return isId(pathname.slice(1)) ? 'data' : undefined
}

async function answer(parts: CuParts, room: Room, exchange: Exchange, url: URL): Promise<void> {
  const inside = { ...exchange, path: exchange.path.slice(1) }
  switch (room) {
    case 'mu':
      return answerMu(parts, inside)
    case 'su':
      return answerSu(parts, parts.chain, inside)
    case 'cu':
      return answerCu(parts, inside)
    case 'graphql':
      return answerGraphql(parts, inside)
    case 'raw':
      return answerData(parts, inside, false)
    case 'data':
      return answerData(parts, exchange, true)
    case 'mainnet':
      // Values of tags stand in the path there, question marks included.
      return answerMainnet(parts, exchange, url.pathname + url.search)
  }
}

function readExchange(request: IncomingMessage, response: ServerResponse, url: URL, signal: AbortSignal): Exchange {
  const path = url.pathname.split('/').filter(part => part !== '')
  return {
    request,
    response,
    method: request.method ?? 'GET',
    path,
    query: url.searchParams,
    signal,
  }
}
