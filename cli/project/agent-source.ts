import { resolve } from 'node:path'
import { AGENT_FORMAT, type Tag } from '../../protocol/index.ts'
import type { BuiltAgent } from '../../toolchain/index.ts'
import type { CommandContext } from '../command.ts'

/** Files that hold an agent, as `atoll dev` and `deploy` find them. */
const AGENT_SOURCE = /\.process\.[mc]?[jt]sx?$/

/** Builds the agent in a file; nothing, if it is not called like the source of one. @throws {Failure} `bad-program`, `module-refused` */
export async function buildIfSource({ terminal }: CommandContext, file: string): Promise<BuiltAgent | undefined> {
  if (!AGENT_SOURCE.test(file)) return undefined
  // The compiler is loaded where it is needed: it takes longer than most commands.
  const { buildAgent } = await import('../../toolchain/index.ts')
  return buildAgent(resolve(terminal.cwd, file))
}

/** Signs a built agent, and adds it under its name, or the one given; gives the module's id. */
export async function addAgent(
  context: CommandContext,
  { bytes, ...built }: BuiltAgent,
  { name = built.name, tags = [] }: { readonly name?: string | undefined; readonly tags?: readonly Tag[] } = {},
): Promise<string> {
  const own = [
    { name: 'Name', value: name },
    { name: 'Version', value: built.version },
  ]
  const signer = await context.signer()
  return context.client().modules.add(bytes, { format: AGENT_FORMAT, tags: [...own, ...tags], signer }, context.limits)
}
