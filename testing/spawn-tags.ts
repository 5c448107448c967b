import type { Tag } from '../protocol/index.ts'
import type { PlainSpawnOptions } from './test-net.ts'

/** Tags of a spawn message, as a test says them. */
export function tagsOf({ name, tags = {} }: PlainSpawnOptions): Tag[] {
  const own = name === undefined ? [] : [{ name: 'Name', value: name }]
  const given = isList(tags) ? tags : Object.entries(tags).map(([key, value]) => ({ name: key, value }))
  return [...own, ...given]
}

const isList = (tags: NonNullable<PlainSpawnOptions['tags']>): tags is readonly Tag[] => Array.isArray(tags)
