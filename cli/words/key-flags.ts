import { Failure, isId } from '../../protocol/index.ts'
import type { Flags } from '../command.ts'
import { countFlag, textsFlag } from './message-arguments.ts'

/** Keys that a flag names, or nothing. @throws {Failure} `usage` */
export function keysFlag(flags: Flags, name: string): readonly string[] | undefined {
  const keys = textsFlag(flags, name)
  const wrong = keys.find(key => !isId(key))
  if (wrong !== undefined)
    throw new Failure(
      'usage',
      { [name]: wrong },
      { note: 'expected the key of a node, 43 characters; /v1/node of a node tells its own' },
    )
  return keys.length > 0 ? keys : undefined
}

/** How many of `keys` (of one, where none are named) must sign. @throws {Failure} `usage` */
export function quorumFlag(flags: Flags, name: string, keys: readonly string[] | undefined): number | undefined {
  const count = countFlag(flags, name, 1)
  const of = keys?.length ?? 1
  if (count !== undefined && count > of)
    throw new Failure('usage', { [name]: count }, { note: `only ${of} ${of === 1 ? 'is' : 'are'} named` })
  return count
}
