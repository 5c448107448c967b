import { Failure, type ModuleId } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { commandName } from '../showing/words-to-type.ts'

/** Processes without a contract take what stands behind their name for data: one word may have been meant as an action. */
export function actionHint(
  context: CommandContext,
  verb: 'send' | 'query',
  process: string,
  text: string | undefined,
): string | undefined {
  return text !== undefined && /^[A-Za-z][\w-]{0,63}$/.test(text)
    ? `"${text}" was sent as data: if it is an action, ${commandName(context)} ${verb} ${process} --action ${text}`
    : undefined
}

/** That a process keeps no contract, and how it is asked instead; its `format` stands in the details. */
export async function withoutContract(
  context: CommandContext,
  { details }: Failure,
  { process, action, text }: { process: string; action: string; text: string | undefined },
): Promise<Failure> {
  const module = details['module'] as ModuleId | undefined
  const format = module && (await context.client().modules.get(module, context.limits)).format
  const note =
    format === 'canister'
      ? `a canister is called in Candid: ${commandName(context)} ic call ${process} ${action} '(${text ?? ''})'`
      : `it takes data and tags: ${commandName(context)} send ${process} --action ${action}${text === undefined ? '' : ` '${text}'`}`
  return new Failure('no-contract', format === undefined ? details : { ...details, format }, { note })
}
