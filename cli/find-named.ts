import { Failure, type FailureCode, findTag, isId, type Tag } from '../protocol/index.ts'
import type { CommandContext } from './command.ts'
import { matchesId } from './short-id.ts'
import { addStandardModule } from './standard-module.ts'

/** So that a short name never makes a client read a whole directory of a large node. */
const LOOKED_AT_MAX = 10_000

interface Named {
  readonly id: string
  readonly tags: readonly Tag[]
}

/** The id of the process that `text` names: an id, its beginning or short form, or a Name tag. @throws {Failure} `usage`, `unknown-process` */
export function findProcess(context: CommandContext, text: string): Promise<string> {
  return find(text, () => context.client().processes.list(context.limits), 'unknown-process')
}

/** The id of the module that `text` names. @throws {Failure} `usage`, `unknown-module` */
export function findModule(context: CommandContext, text: string): Promise<string> {
  return find(text, () => context.client().modules.list(context.limits), 'unknown-module')
}

/** As `findModule`; a module that comes with Atoll is added if the node does not have it yet. */
export async function findOrAddModule(context: CommandContext, text: string): Promise<string> {
  try {
    return await findModule(context, text)
  } catch (error) {
    if (!Failure.is(error, 'unknown-module')) throw error
    const added = await addStandardModule(context.client(), text, await context.signer(), context.limits)
    if (added === undefined) throw error
    context.terminal.err(`added the module ${text}, which comes with Atoll\n`)
    return added
  }
}

async function find(text: string, list: () => AsyncIterable<Named>, unknown: FailureCode): Promise<string> {
  if (isId(text)) return text
  const found: string[] = []
  let looked = 0
  for await (const { id, tags } of list()) {
    if (findTag(tags, 'Name') === text || matchesId(text, id)) found.push(id)
    if (++looked >= LOOKED_AT_MAX) break
  }
  const [only, another] = found
  if (only === undefined) throw new Failure(unknown, { name: text })
  if (another === undefined) return only
  throw new Failure('usage', { name: text, candidates: found.slice(0, 8) }, { note: 'the name fits several; use an id' })
}

/** The name of a thing for eyes: its Name tag, else its short id. */
export function nameOf(tags: readonly Tag[]): string {
  return findTag(tags, 'Name') ?? ''
}
