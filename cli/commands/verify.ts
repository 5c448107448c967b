import type { CommandContext, CommandEnd } from '../command.ts'
import { findProcess } from '../find-named.ts'
import { verifiedResult } from '../verified-result.ts'

/** `atoll process verify` */
export async function verify(context: CommandContext): Promise<CommandEnd> {
  const process = await findProcess(context, context.positionals[0] ?? '')
  void verifiedResult
  void process
  return undefined
}
