import {
  blockHeightAt,
  blockStartMs,
  Failure,
  GRAPHQL_BODY_MAX_BYTES,
  GRAPHQL_PER_PAGE,
  GRAPHQL_PER_PAGE_MAX,
} from '../../../protocol/index.ts'
import { type Exchange, expectMethod, nothingThere, readJson, sendJson } from '../exchange.ts'
import { findItem } from '../find-item.ts'
import { blockOf, nodeOf } from './graphql-node.ts'
import { type Arguments, numberOf, objectOf, textsOf } from './graphql-arguments.ts'
import { malformed } from './graphql-query.ts'
import { type Question, type QuestionText, readQuestions } from './graphql-questions.ts'
import { findTransactions } from './graphql-search.ts'
import { AnswerBudget, select } from './graphql-selection.ts'
import type { AoFacadeParts } from '../parts.ts'
import { SearchBudget } from './search-budget.ts'

const FIELDS = ['transactions', 'transaction', 'blocks'] as const

const TYPE_OF = {
  transactions: 'TransactionConnection',
  transaction: 'Transaction',
  blocks: 'BlockConnection',
} as const

/**
 * The part of an Arweave gateway's GraphQL that AO's clients use: `transactions`, `transaction` and `blocks`. Messages,
 * processes, modules and this node's scheduler are found by their ids, owners and tags, and messages by the processes that
 * they were sent to.
 */
export async function answerGraphql(parts: AoFacadeParts, exchange: Exchange): Promise<void> {
  expectMethod(exchange, 'POST')
  if (exchange.path.length > 0) nothingThere(exchange)
  const asked = readQuestions(readBodyFields(await readJson(exchange.request, GRAPHQL_BODY_MAX_BYTES)), FIELDS)
  if (asked.length === 0) {
    const note = 'GraphQL: only transactions, transaction and blocks can be asked for'
    throw new Failure('malformed-request', {}, { note })
  }
  const budget = new SearchBudget(exchange.signal)
  const answerBudget = new AnswerBudget()
  const answers: [string, unknown][] = []
  for (const question of asked) {
    const answer = await answerTo(parts, question, budget)
    answers.push([question.name, select(answer, TYPE_OF[question.field], question.inside, answerBudget)])
  }
  sendJson(exchange.response, 200, { data: Object.fromEntries(answers) })
}

async function answerTo(
  parts: AoFacadeParts,
  { field, values }: Question<(typeof FIELDS)[number]>,
  budget: SearchBudget,
): Promise<unknown> {
  if (field === 'transactions') return findTransactions(parts, values, budget)
  if (field === 'blocks') return blocks(parts, values)
  const [id] = textsOf(values, 'id') ?? []
  const found = id === undefined ? undefined : await findItem(parts, id)
  return found === undefined ? null : nodeOf(found)
}

function readBodyFields(body: unknown): QuestionText {
  const fields: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {}
  const { query, variables, operationName } = fields
  if (typeof query !== 'string') throw malformed('no query')
  if (typeof (variables ?? {}) !== 'object') throw malformed('variables are no object')
  if (typeof (operationName ?? '') !== 'string') throw malformed('operationName is no text')
  return {
    query,
    variables: { ...(variables ?? {}) },
    operationName: operationName ? String(operationName) : undefined,
  }
}

function blocks(parts: AoFacadeParts, values: Arguments): unknown {
  const bounds = objectOf(values, 'height')
  const now = blockHeightAt(parts.clock.now())
  const max = Math.min(numberOf(bounds, 'max') ?? now, now)
  const first = Math.min(numberOf(values, 'first') ?? GRAPHQL_PER_PAGE, GRAPHQL_PER_PAGE_MAX)
  const ascending = textsOf(values, 'sort')?.[0] === 'HEIGHT_ASC'
  const min = Math.max(numberOf(bounds, 'min') ?? 0, blockHeightAt(0), 0)
  const after = Number(textsOf(values, 'after')?.[0] ?? NaN)
  const [from, to] = ascending
    ? [Number.isNaN(after) ? min : Math.max(min, after + 1), max]
    : [min, Number.isNaN(after) ? max : Math.min(max, after - 1)]
  const count = Math.max(0, to - from + 1)
  const heights = Array.from({ length: Math.min(count, first) }, (_, i) => (ascending ? from + i : to - i))
  const edges = heights.map(height => ({
    cursor: String(height),
    node: blockOf(height, Math.floor(blockStartMs(height) / 1000)),
  }))
  return { pageInfo: { hasNextPage: count > edges.length }, edges }
}
