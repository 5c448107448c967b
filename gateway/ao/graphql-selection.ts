/** What is asked for of an answer: names under which fields are given, each with what is asked for inside; fragments among them. */
export type Selection = readonly Selected[]

export type Selected =
  | { readonly kind: 'field'; readonly field: string; readonly name: string; readonly inside: Selection | undefined }
  | { readonly kind: 'fragment'; readonly fragment: string }
  | { readonly kind: 'inline'; readonly inside: Selection }

export type Fragments = ReadonlyMap<string, Selection>

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

/**
 * What is selected of a value, under the names asked for; fields that nobody has are null. A value of which nothing is selected
 * is given whole.
 */
export function select(value: unknown, type: string, selection: Selection | undefined, fragments: Fragments): unknown {
  if (selection === undefined || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(each => select(each, type, selection, fragments))
  const selected: Record<string, unknown> = Object.create(null)
  for (const { field, name, inside } of fieldsOf(selection, fragments, new Set())) {
    const found: unknown = field === '__typename' ? type : Object.entries(value).find(([own]) => own === field)?.[1]
    selected[name] = select(found ?? null, TYPES[type]?.[field] ?? '', inside, fragments)
  }
  return selected
}

/** The fields of a selection and of its fragments; a fragment in itself counts once. */
function* fieldsOf(
  selection: Selection,
  fragments: Fragments,
  seen: Set<string>,
): Generator<Extract<Selected, { kind: 'field' }>> {
  for (const selected of selection) {
    if (selected.kind === 'field') yield selected
    else if (selected.kind === 'inline') yield* fieldsOf(selected.inside, fragments, seen)
    else if (!seen.has(selected.fragment)) {
      seen.add(selected.fragment)
      yield* fieldsOf(fragments.get(selected.fragment) ?? [], fragments, seen)
    }
  }
}
