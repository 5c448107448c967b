import { Failure, type FailureCode, findTag, principalIn, type Tag } from '../protocol/index.ts'
import { findNamed, type Named } from '../sdk/index.ts'
import type { CommandContext } from './command.ts'
import { IdentityStore } from './identity-store.ts'
import { nearWord } from './near-word.ts'
import { matchesId } from './short-id.ts'
import { addStandardModule } from './standard-module.ts'

/**
 * The id of the process that `text` names: an id, its beginning or short form, a Name tag, or the principal of a canister.
 * @throws {Failure} `ambiguous-name`, `unknown-process`
 */
export function findProcess(context: CommandContext, text: string): Promise<string> {
  if (principalIn(text) !== undefined) return context.client().processes.find(text, context.limits)
  return find(context, text, () => context.client().processes.list(context.limits), 'unknown-process')
}

/** The id of the module that `text` names. @throws {Failure} `ambiguous-name`, `unknown-module` */
export function findModule(context: CommandContext, text: string): Promise<string> {
  return find(context, text, () => context.client().modules.list(context.limits), 'unknown-module')
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

interface Owned extends Named {
  readonly owner: string
}

/**
 * As the SDK finds things, and by short ids too: what people copy from a terminal. Of several with one name, the one that the
 * user owns is meant: nobody takes a name away by using it again. Of nothing it says what is near.
 */
async function find(
  context: CommandContext,
  text: string,
  list: () => AsyncIterable<Owned>,
  unknown: FailureCode,
): Promise<string> {
  const names: string[] = []
  const called: Owned[] = []
  const fits = (one: Named): boolean => matchesId(text, one.id) || findTag(one.tags, 'Name') === text
  async function* noting(): AsyncGenerator<Owned> {
    for await (const one of list()) {
      const name = findTag(one.tags, 'Name')
      if (name !== undefined) names.push(name)
      if (name === text) called.push(one)
      yield one
    }
  }
  try {
    return await findNamed(text, noting, unknown, fits)
  } catch (error) {
    const own = Failure.is(error, 'ambiguous-name') ? await onlyOwn(context, text, called) : undefined
    if (own !== undefined) return own
    const near = Failure.is(error, unknown) ? nearWord(text, names) : undefined
    if (near === undefined) throw error
    throw new Failure(unknown, { name: text }, { note: `did you mean "${near}"?`, cause: error })
  }
}

/** The one of them that the user owns, who is told of it; nothing, if it is none or several. */
async function onlyOwn(
  { settings, terminal }: CommandContext,
  name: string,
  called: readonly Owned[],
): Promise<string | undefined> {
  const store = new IdentityStore(settings.home)
  if (!(await store.has(settings.identity))) return undefined
  const { address } = await store.signer(settings.identity)
  const [own, another] = called.filter(({ owner }) => owner === address)
  if (own === undefined || another !== undefined) return undefined
  terminal.err(`others are called ${name} too; yours is ${own.id}\n`)
  return own.id
}

/** The name of a thing for eyes: its Name tag, else its short id. */
export function nameOf(tags: readonly Tag[]): string {
  return findTag(tags, 'Name') ?? ''
}
