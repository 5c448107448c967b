import { checkInput, schemaOfJson } from '../../contract/index.ts'
import { AGENT_FORMAT, Failure } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { sampleValue } from '../completion/sample-value.ts'
import { withNextStep } from '../showing/next-step.ts'

/**
 * Looks whether an agent's module takes what stands on a command line as args: a process whose init fails has no state for good.
 * @throws {Failure} `bad-input`, and nothing was sent
 */
export async function checkArgs(context: CommandContext, module: string, text: string): Promise<void> {
  const { modules } = context.client()
  if ((await modules.get(module, context.limits)).format !== AGENT_FORMAT) return
  const { name, args } = await modules.interface(module, context.limits)
  const checked = checkInput(schemaOfJson(args), argsIn(text))
  if (checked.ok) return
  const failure = new Failure('bad-input', { module }, { note: `${name} args: ${checked.problem}` })
  throw withNextStep(failure, `Nothing was sent; what it takes looks like '${JSON.stringify(sampleValue(args))}'.`)
}

/** As agents read data: what is no JSON is a text. */
function argsIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
