import { nearWord } from '../../contract/index.ts'
import { Failure, type FailureCode, findTag, principalIn, type Tag } from '../../protocol/index.ts'
import { findNamed, type Named } from '../../sdk/index.ts'
import type { CommandContext } from '../command.ts'
import { addIfSource } from '../project/agent-source.ts'
import { IdentityStore } from '../identity-store.ts'
import { matchesId } from '../showing/short-id.ts'
import { safeName } from '../showing/show-bytes.ts'
import { addStandardModule } from '../standard-module.ts'

/**
 * The id of the process that `text` names: an id, its beginning or short form, a Name tag, or the principal of a canister.
 * @throws {Failure} `ambiguous-name`, `unknown-process`
 */
export function findProcess(context: CommandContext, text: string): Promise<string> {
  if (principalIn(text) !== undefined) return context.client().processes.find(text, context.limits)
  const list = () => context.client().processes.list(context.limits)
  return find(context, text, { list, wholeName: nameOf, unknown: 'unknown-process' })
}

/**
 * The id of the module that `text` names; of an agent also by name and version, as in counter@1.0.0.
 * @throws {Failure} `ambiguous-name`, `unknown-module`
 */
export function findModule(context: CommandContext, text: string): Promise<string> {
  const list = () => context.client().modules.list(context.limits)
  return find(context, text, { list, wholeName: moduleNameOf, unknown: 'unknown-module' })
}

/**
 * As `findModule`; a module that comes with Atoll is added if the node does not have it yet, and a `.process.ts` file is
 * built and added. @throws {Failure} what `findModule` and `addIfSource` throw
 */
export async function findOrAddModule(context: CommandContext, text: string): Promise<string> {
  const agent = await addIfSource(context, text)
  if (agent !== undefined) {
    context.terminal.err(`built and added the module ${agent.title}\n`)
    return agent.id
  }
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

/** Other names that a user is told of. */
const OTHERS_SHOWN_MAX = 3

interface Owned extends Named {
  readonly owner: string
}

interface Among {
  readonly list: () => AsyncIterable<Owned>
  /** Beside its Name tag, or as that. */
  readonly wholeName: (tags: readonly Tag[]) => string
  readonly unknown: FailureCode
}

/**
 * As the SDK finds things, and by short ids too: what people copy from a terminal. Of several with one name, the one that the
 * user owns is meant, and of several of those the one that is called nothing else: nobody takes a name away by using it
 * again. Of nothing it says what is near.
 */
async function find(context: CommandContext, text: string, { list, wholeName, unknown }: Among): Promise<string> {
  const names: string[] = []
  const called: Owned[] = []
  const isCalled = ({ tags }: Named): boolean => nameOf(tags) === text || wholeName(tags) === text
  async function* noting(): AsyncGenerator<Owned> {
    for await (const one of list()) {
      names.push(nameOf(one.tags))
      if (isCalled(one)) called.push(one)
      yield one
    }
  }
  try {
    return await findNamed(text, noting, unknown, one => matchesId(text, one.id) || isCalled(one))
  } catch (error) {
    const own = Failure.is(error, 'ambiguous-name') ? await ownMeant(context, text, called, wholeName) : undefined
    if (own !== undefined) return own
    if (!Failure.is(error, unknown)) throw error
    const near = nearWord(text, names)
    const note = near === undefined ? {} : { note: `did you mean "${near}"?` }
    // Whoever runs several nodes may have asked another than was meant.
    throw new Failure(unknown, { name: text, node: context.settings.url }, note)
  }
}

/** The one of them that the user owns, or whose whole name it is among those, and the user is told; nothing, if that is none or several. */
async function ownMeant(
  { settings, terminal }: CommandContext,
  name: string,
  called: readonly Owned[],
  wholeName: Among['wholeName'],
): Promise<string | undefined> {
  const store = new IdentityStore(settings.home)
  if (!(await store.has(settings.identity))) return undefined
  const { address } = await store.signer(settings.identity)
  const own = called.filter(({ owner }) => owner === address)
  const meant = only(own) ?? only(own.filter(({ tags }) => wholeName(tags) === name))
  if (meant === undefined) return undefined
  const others = new Set(called.map(({ tags }) => safeName(wholeName(tags))).filter(other => other !== name))
  const such = others.size === 0 ? '' : ` (${[...others].slice(0, OTHERS_SHOWN_MAX).join(', ')})`
  terminal.err(`others are called ${name} too${such}; yours is ${meant.id}\n`)
  return meant.id
}

const only = <T>(list: readonly T[]): T | undefined => (list.length === 1 ? list[0] : undefined)

/** What a thing is called: its Name tag, or nothing. */
export function nameOf(tags: readonly Tag[]): string {
  return findTag(tags, 'Name') ?? ''
}

/** What a module is called: agents have a version behind their name. */
export function moduleNameOf(tags: readonly Tag[]): string {
  const version = findTag(tags, 'Version')
  return version === undefined ? nameOf(tags) : `${nameOf(tags)}@${version}`
}
