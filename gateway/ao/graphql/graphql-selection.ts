import { GRAPHQL_ANSWER_MAX_BYTES } from '../../../protocol/index.ts'
import { malformed } from './graphql-query.ts'
import type { Question } from './graphql-questions.ts'

/** Types of an Arweave gateway, and of which type their fields are; what is not here has no fields of its own. */
const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  TransactionConnection: { pageInfo: 'PageInfo', edges: 'TransactionEdge' },
  TransactionEdge: { node: 'Transaction' },
  Transaction: {
    owner: 'Owner',
    fee: 'Amount',
    quantity: 'Amount',
    data: 'MetaData',
    tags: 'Tag',
    block: 'Block',
    parent: 'Parent',
    bundledIn: 'Bundle',
  },
  BlockConnection: { pageInfo: 'PageInfo', edges: 'BlockEdge' },
  BlockEdge: { node: 'Block' },
}

/** What one answer may hold: the same large field may be asked for under many names, of a hundred nodes. */
export class AnswerBudget {
  #bytes = GRAPHQL_ANSWER_MAX_BYTES

  /** @throws {Failure} if the answer gets too large */
  take(value: unknown): void {
    this.#bytes -= Buffer.byteLength(JSON.stringify(value))
    if (this.#bytes < 0) throw malformed('the answer is too large; ask for fewer fields')
  }
}

/**
 * What is asked for of a value, under the names asked for; fields that nobody has are null. A value of which nothing is selected
 * is given whole. @throws {Failure} if the budget is used up
 */
export function select(value: unknown, type: string, fields: readonly Question[], budget: AnswerBudget): unknown {
  if (fields.length === 0 || typeof value !== 'object' || value === null) {
    budget.take(value)
    return value
  }
  if (Array.isArray(value)) return value.map(each => select(each, type, fields, budget))
  const own = new Map<string, unknown>(Object.entries(value))
  const selected: Record<string, unknown> = Object.create(null)
  for (const { field, name, inside } of fields) {
    budget.take(name)
    const found = field === '__typename' ? type : own.get(field)
    selected[name] = select(found ?? null, TYPES[type]?.[field] ?? '', inside, budget)
  }
  return selected
}
