import { resolve } from 'node:path'
import { findTag, type Tag } from '../../protocol/index.ts'
import type { BuiltModule } from '../../toolchain/index.ts'
import type { CommandContext } from '../command.ts'
import { moduleSigner } from './module-signer.ts'

/** Files that hold an agent, as `atoll dev` and `deploy` find them. */
const AGENT_SOURCE = /\.process\.[mc]?[jt]sx?$/

export interface AddedAgent {
  readonly id: string
  readonly name: string
  /** What it is called, with its version. */
  readonly title: string
  readonly sizeBytes: number
}

/**
 * Builds the agent in a file, signs and adds it, under its name or the one given; the modules of its project that it may spawn are
 * added before it, as `atoll deploy` does. Nothing, if the file is not called like the source of an agent.
 * @throws {Failure} `bad-program`, `bad-config`, `module-refused`
 */
export async function addIfSource(
  context: CommandContext,
  file: string,
  given: { readonly name?: string | undefined; readonly tags?: readonly Tag[] } = {},
): Promise<AddedAgent | undefined> {
  if (!AGENT_SOURCE.test(file)) return undefined
  const { terminal, limits } = context
  // The compiler is loaded where it is needed: it takes longer than most commands.
  const { buildProject, readProject } = await import('../../toolchain/index.ts')
  const project = await readProject(resolve(terminal.cwd, file))
  const sign = moduleSigner(await context.signer())
  const [built] = await buildProject(project, async one => (await sign(one)).id)
  if (built === undefined) return undefined
  const { modules } = context.client()
  for (const child of built.children) {
    await modules.addItem((await sign(child)).bytes, limits)
    terminal.err(`built and added the module ${titleOf(child)}, which ${built.name} may spawn\n`)
  }
  const { name = built.name, tags = [] } = given
  const others = built.moduleTags.filter(tag => tag.name !== 'Name')
  const named = { ...built, moduleTags: [{ name: 'Name', value: name }, ...others, ...tags] }
  const id = await modules.addItem((await sign(named)).bytes, limits)
  return { id, name, title: titleOf(built), sizeBytes: built.bytes.length }
}

const titleOf = ({ moduleTags }: BuiltModule): string =>
  `${findTag(moduleTags, 'Name') ?? ''}@${findTag(moduleTags, 'Version') ?? ''}`
