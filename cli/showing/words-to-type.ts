import { Failure } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import type { CommandContext } from '../command.ts'
import { sampleValue } from '../completion/sample-value.ts'

/** The words that start this program where the user stands. */
export function commandName({ terminal }: Pick<CommandContext, 'terminal'>): string {
  const script = terminal.env['npm_lifecycle_event']
  if (script === undefined) return 'atoll'
  return SCRIPTS_OF_A_CLONE.has(script) ? 'npm run -s atoll --' : 'npx atoll'
}

const SCRIPTS_OF_A_CLONE: ReadonlySet<string> = new Set(['atoll', 'start'])

/** What commands in another terminal need to reach the node at `url`: what this one's environment says, that one's need not. */
export function urlFlag({ settings }: CommandContext, url: string): string {
  const isFound = settings.url === url && settings.shown.some(one => one.name === 'url' && !GIVEN.has(one.origin))
  return isFound ? '' : ` --url ${url}`
}

const GIVEN: ReadonlySet<string> = new Set(['environment', 'flag'])

/**
 * A call of a process that was just made, with an input to begin from. What keeps no contract is sent an action. Nothing, if its contract has no
 * message, or the node does not tell: the process is made all the same.
 */
export async function firstCall(client: Client, name: string, process: string): Promise<string | undefined> {
  try {
    const { messages } = await client.processes.interface(process)
    const [message, question] = Object.entries(messages)[0] ?? []
    return message === undefined || question === undefined
      ? undefined
      : `call ${name} ${message}${inputOf(question.input)}`
  } catch (error) {
    if (!Failure.is(error)) throw error
    return error.code === 'no-contract' ? `send ${name} --action <action> '<data>'` : undefined
  }
}

/** An input of that shape, in quotes, behind a space; nothing, if there is none to give. */
function inputOf(schema: Parameters<typeof sampleValue>[0]): string {
  const sample = sampleValue(schema)
  return sample === null ? '' : ` '${JSON.stringify(sample)}'`
}
