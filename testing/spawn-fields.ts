import type { Tag } from '../protocol/index.ts'
import type { SpawnOptions } from './test-net.ts'

/** Tags and data of a spawn message, as a test says them. */
export function spawnFields({ name, tags = {}, args, data }: SpawnOptions): {
  readonly tags: readonly Tag[]
  readonly data: Uint8Array | string | undefined
} {
  const own = name === undefined ? [] : [{ name: 'Name', value: name }]
  const given = isList(tags)
    ? tags
    : Object.entries(tags).map(([key, value]) => ({ name: key, value }))
  return { tags: [...own, ...given], data: args === undefined ? data : JSON.stringify(args) }
}

const isList = (tags: NonNullable<SpawnOptions['tags']>): tags is readonly Tag[] =>
  Array.isArray(tags)
