import type { InterfaceDescription } from '../protocol/index.ts'
import { type FormField, formOf } from './form.ts'

/** A message or a query by its name, and the names that its input may have. */
export interface Completion {
  readonly name: string
  readonly kind: 'message' | 'query'
  readonly doc?: string
  readonly fields: readonly FormField[]
}

/** What can follow the name of a process: its messages, then its queries, each in the contract's order. */
export function completionsOf(described: InterfaceDescription): readonly Completion[] {
  const entries = (kind: Completion['kind'], all: InterfaceDescription['queries']): Completion[] =>
    Object.entries(all).map(([name, { doc, input }]) => ({
      name,
      kind,
      ...(doc === undefined ? {} : { doc }),
      fields: formOf(input),
    }))
  return [...entries('message', described.messages), ...entries('query', described.queries)]
}
