import { Failure, type FailureCode, findTag, principalIn, type Tag } from '../protocol/index.ts'
import { findNamed, type Named } from '../sdk/index.ts'
import type { CommandContext } from './command.ts'
import { nearWord } from './near-word.ts'
import { matchesId } from './short-id.ts'
import { addStandardModule } from './standard-module.ts'

/**
 * The id of the process that `text` names: an id, its beginning or short form, a Name tag, or the principal of a canister.
 * @throws {Failure} `ambiguous-name`, `unknown-process`
 */
export function findProcess(context: CommandContext, text: string): Promise<string> {
  if (principalIn(text) !== undefined) return context.client().processes.find(text, context.limits)
  return find(text, () => context.client().processes.list(context.limits), 'unknown-process')
}

/** The id of the module that `text` names. @throws {Failure} `ambiguous-name`, `unknown-module` */
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

/** As the SDK finds things, and by short ids too: what people copy from a terminal. Of nothing it says what is near. */
async function find(text: string, list: () => AsyncIterable<Named>, unknown: FailureCode): Promise<string> {
  const names: string[] = []
  const fits = ({ id, tags }: Named): boolean => {
    const name = findTag(tags, 'Name')
    if (name !== undefined) names.push(name)
    return name === text || matchesId(text, id)
  }
  try {
    return await findNamed(text, list, unknown, fits)
  } catch (error) {
    const near = Failure.is(error, unknown) ? nearWord(text, names) : undefined
    if (near === undefined) throw error
    throw new Failure(unknown, { name: text }, { note: `did you mean "${near}"?`, cause: error })
  }
}

/** The name of a thing for eyes: its Name tag, else its short id. */
export function nameOf(tags: readonly Tag[]): string {
  return findTag(tags, 'Name') ?? ''
}
