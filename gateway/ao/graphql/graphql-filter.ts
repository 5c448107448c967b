import { blockHeightAt } from '../../../protocol/index.ts'
import type { FoundItem } from '../find-item.ts'
import { type Arguments, numberOf, objectOf, tagFiltersOf, textsOf } from './graphql-arguments.ts'

/** The types that are asked for; nothing: all of them. */
export function typesOf(values: Arguments): readonly string[] | undefined {
  const types = tagFiltersOf(values).find(({ name }) => name === 'Type')?.values
  return types?.length === 0 ? undefined : types
}

export type Filter = (
  owner: string,
  item: { tags: readonly { name: string; value: string }[]; target?: string },
) => boolean

export function filterOf(values: Arguments): Filter {
  const owners = textsOf(values, 'owners')
  const recipients = textsOf(values, 'recipients')
  const wanted = tagFiltersOf(values)
  return (owner, { tags, target }) =>
    (owners === undefined || owners.includes(owner)) &&
    (recipients === undefined || recipients.includes(target ?? '')) &&
    wanted.every(({ name, values: accepted }) =>
      tags.some(tag => tag.name === name && (accepted.length === 0 || accepted.includes(tag.value))),
    )
}

/** Whether an item stands in the blocks asked for. What nobody keeps the time of stands in none. */
export function blocksOf(values: Arguments): (found: FoundItem) => boolean {
  const bounds = objectOf(values, 'block')
  const [min, max] = [numberOf(bounds, 'min'), numberOf(bounds, 'max')]
  if (min === undefined && max === undefined) return () => true
  return ({ timestampMs }) => {
    const height = timestampMs === undefined ? undefined : blockHeightAt(timestampMs)
    return height !== undefined && height >= (min ?? height) && height <= (max ?? height)
  }
}
