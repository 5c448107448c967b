import {
  type AnyContract,
  checkValue,
  type EventName,
  type MessageName,
  type OutputOf,
  type Schema,
} from '../contract/index.ts'
import {
  type AssignmentView,
  type CallOptions,
  Failure,
  findTag,
  MalformedBytes,
  type ProcessId,
  type ResultView,
  type Slot,
} from '../protocol/index.ts'
import type { Client } from './client.ts'
import type { FollowOptions } from './follow.ts'
import { type Answered, type AnsweredLater, readOutput } from './read-output.ts'
import { aroundOf } from './surroundings.ts'
import { withTimeLimit } from './time-limit.ts'

/** What came of a slot, whatever stood in it. */
interface SlotFacts {
  readonly slot: Slot
  /** The id of the message that stood in it. */
  readonly id: string
  readonly ok: boolean
  readonly error: { readonly code: string; readonly message: string } | undefined
  /** It goes on: a later slot has it among its `settled`. */
  readonly pending: boolean
  readonly events: readonly { readonly name: string; readonly data?: unknown }[]
  /** Messages of earlier slots that ended in this one. */
  readonly settled: readonly AnsweredLater[]
}

/** What came of a slot: by the message that stood in it, or of something that is no message of the contract. */
export type ProcessResult<C extends AnyContract> =
  | {
      readonly [K in MessageName<C>]: SlotFacts & {
        readonly action: K
        readonly reply: OutputOf<C['messages'][K]['reply']> | undefined
      }
    }[MessageName<C>]
  | (SlotFacts & { readonly action: undefined; readonly reply: unknown })

type Locate = (options?: CallOptions) => Promise<ProcessId>

const LOCATE_TIMEOUT_MS = 30_000

/** Data of one kind of event, in the order of the slots. @throws {Failure} `bad-reply` if it does not fit the contract */
export async function* followEvents<C extends AnyContract, K extends EventName<C>>(
  client: Client,
  contract: C,
  event: K,
  locate: Locate,
  options: FollowOptions,
): AsyncGenerator<OutputOf<C['events'][K]>> {
  const schema: Schema | undefined = contract.events[event]
  if (schema === undefined) throw new Failure('bad-input', { event }, { note: `${contract.name} has no such event` })
  const process = await located(client, locate, options)
  for await (const result of client.results(process, options)) {
    for (const { name, data } of outputOf(result).events ?? [])
      if (name === event) yield checked(schema, data, `${contract.name}.${event}`, result) as OutputOf<C['events'][K]>
  }
}

/** Results as the contract reads them. @throws {Failure} `bad-reply` if a reply does not fit the contract */
export async function* followProcessResults<C extends AnyContract>(
  client: Client,
  contract: C,
  locate: Locate,
  options: FollowOptions,
): AsyncGenerator<ProcessResult<C>> {
  const process = await located(client, locate, options)
  for await (const result of client.results(process, options)) {
    const assignment = await client.processes.slot(process, result.slot, { signal: options.signal })
    yield readResult(contract, result, assignment) as ProcessResult<C>
  }
}

function located(client: Client, locate: Locate, { signal }: FollowOptions): Promise<ProcessId> {
  return withTimeLimit(aroundOf(client.transport).clock, { signal }, LOCATE_TIMEOUT_MS, ended =>
    locate({ signal: ended }),
  )
}

function readResult(contract: AnyContract, result: ResultView, { id, envelope }: AssignmentView): object {
  const output = outputOf(result, id)
  const ok = result.status === 'ok' && output.error === undefined
  const named = nameOf(contract, actionOf(envelope) ?? '')
  const message = Object.hasOwn(contract.messages, named) ? contract.messages[named] : undefined
  const isReplied = ok && output.pending !== true && message !== undefined
  return {
    slot: result.slot,
    id,
    ok,
    action: message === undefined ? undefined : named,
    reply: isReplied ? checked(message.reply, output.reply, `${contract.name}.${named}`, result) : output.reply,
    error: result.error ?? output.error ?? (ok ? undefined : { code: result.status, message: 'it had no effect' }),
    pending: output.pending === true,
    events: output.events ?? [],
    settled: output.settled ?? [],
  }
}

function actionOf(envelope: AssignmentView['envelope']): string | undefined {
  const message = envelope.kind === 'assign' ? envelope.message : envelope
  if (message.kind === 'push' && message.spawns) return undefined
  return message.kind === 'item' || message.kind === 'push' ? findTag(message.tags, 'Action') : undefined
}

/** What the contract calls a message of this action. */
function nameOf({ wire }: AnyContract, action: string): string {
  return Object.entries(wire?.actions ?? {}).find(([, called]) => called === action)?.[0] ?? action
}

/** A slot that answers in another form (the spawn of a strange module, say) tells nothing of the contract. */
function outputOf({ status, output, slot }: ResultView, message?: string): Answered {
  if (status !== 'ok') return {}
  try {
    return readOutput(output, { slot, ...(message === undefined ? {} : { message }) })
  } catch (error) {
    if (error instanceof MalformedBytes) return {}
    throw error
  }
}

function checked(schema: Schema, value: unknown, label: string, { process, slot }: ResultView): unknown {
  const read = checkValue(schema, value)
  if (read.ok) return read.value
  throw new Failure('bad-reply', { process, slot }, { note: `${label}: ${read.problem}` })
}
