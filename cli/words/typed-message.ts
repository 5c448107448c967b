import { type AnyContract, didYouMean } from '../../contract/index.ts'
import { Failure } from '../../protocol/index.ts'
import type { ProcessRef, Sent, TypedCallOptions } from '../../sdk/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess } from './find-named.ts'
import { sampleValue } from '../completion/sample-value.ts'
import { withNextStep } from '../showing/next-step.ts'
import { withoutContract } from './untyped-words.ts'

type Input = [input?: unknown, options?: TypedCallOptions]

/** A message or query of a process that keeps a contract, as a command line names it. */
export interface TypedMessage {
  readonly process: string
  readonly action: string
  readonly contract: AnyContract
  readonly kind: 'message' | 'query'
  /** Sends a message; its input is checked before anything is sent. @throws {Failure} `bad-input` */
  send(): Promise<Sent>
  /** Asks a query. @throws {Failure} `bad-input`, `process-error` */
  ask(): Promise<unknown>
}

/** Reads `<process> <message> [json]`. @throws {Failure} `unknown-process`, `no-contract`, `bad-input` */
export async function readTypedMessage(
  context: CommandContext,
  [name = '', action = '', text]: readonly string[],
): Promise<TypedMessage> {
  const process = await findProcess(context, name)
  const client = context.client()
  const contract = await client.processes.contract(process, context.limits).catch(async (error: unknown) => {
    throw Failure.is(error, 'no-contract')
      ? await withoutContract(context, error, { process: name, action, text })
      : error
  })
  const kind = kindOf(contract, action)
  const refuse = async (error: unknown): Promise<never> => {
    throw Failure.is(error, 'bad-input') ? withNextStep(error, await exampleStep(context, process, action)) : error
  }
  const input = text === undefined ? undefined : await parseInput(text, `${contract.name}.${action}`).catch(refuse)
  const ref = client.process(contract, process) as ProcessRef<AnyContract> &
    Readonly<Record<string, (...input: Input) => Promise<unknown>>>
  const { signal, timeoutMs } = context.limits
  const limits: TypedCallOptions = { signal, timeout: timeoutMs }
  return {
    process,
    action,
    contract,
    kind,
    send: async () => {
      const send = ref.send as Readonly<Record<string, (...input: Input) => Promise<Sent>>>
      return found(send[action])(input, { ...limits, signer: await context.signer() }).catch(refuse)
    },
    ask: () => found(ref[action])(input, limits).catch(refuse),
  }
}

/**
 * Reads the same words where they may mean something else: nothing, if the process keeps no contract, or if options say
 * what the message carries. @throws {Failure} as `readTypedMessage`
 */
export async function typedMessageIfAny(context: CommandContext): Promise<TypedMessage | undefined> {
  const { flags, positionals } = context
  const isBare = ['action', 'tag', 'data-file'].every(name => flags[name] === undefined)
  if (!isBare || positionals[1] === undefined) return undefined
  try {
    return await readTypedMessage(context, positionals)
  } catch (error) {
    // One word may be data, but for a canister, which takes no message without a method.
    const isData = Failure.is(error, 'no-contract') && error.details['format'] !== 'canister'
    if (isData && positionals.length < 3) return undefined
    throw error
  }
}

function kindOf({ name, messages, queries }: AnyContract, action: string): TypedMessage['kind'] {
  if (Object.hasOwn(messages, action)) return 'message'
  if (Object.hasOwn(queries, action)) return 'query'
  const known = [...Object.keys(messages), ...Object.keys(queries)]
  throw new Failure(
    'bad-input',
    { message: action, known },
    { note: `${name} takes no such message${didYouMean(action, known)}` },
  )
}

/** What to do after an input that does not fit: the interface tells the shape of one that does. */
async function exampleStep(context: CommandContext, process: string, action: string): Promise<string> {
  const { messages, queries } = await context.client().processes.interface(process, context.limits)
  const sample = JSON.stringify(sampleValue((messages[action] ?? queries[action])?.input ?? {}))
  return `Nothing was sent; what it takes looks like '${sample}'.`
}

async function parseInput(text: string, label: string): Promise<unknown> {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Failure('bad-input', {}, { cause, note: `${label}: the input is not JSON` })
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a contract has a function for each of its messages')
  return value
}
