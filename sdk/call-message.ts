import { type AnyContract, checkInput, inputToSend, type Schema } from '../contract/index.ts'
import { Failure } from '../protocol/index.ts'
import type { MessageFields } from './message-item.ts'

/** Says that the data are JSON; without data: that the input was left out. */
export const JSON_TAG = { name: 'Content-Type', value: 'application/json' }

/** What a checked input travels as: the Action, and the input as JSON; no data, if there is no input. @throws {Failure} `bad-input` */
export function callMessage(
  contract: AnyContract,
  name: string,
  input: unknown,
): Required<Pick<MessageFields, 'action' | 'tags' | 'data'>> {
  const schema = (contract.messages[name] ?? contract.queries[name])?.input
  const data = schema === undefined ? '' : inputData(schema, input, `${contract.name}.${name}`)
  return { action: name, tags: [JSON_TAG], data }
}

/** The JSON of an input that fits its schema. @throws {Failure} `bad-input`; nothing was sent */
export function inputData(schema: Schema, input: unknown, label: string): string {
  const checked = checkInput(schema, input)
  if (!checked.ok) throw new Failure('bad-input', {}, { note: `${label}: ${checked.problem}` })
  const sent = inputToSend(schema, input)
  try {
    return sent === undefined ? '' : (JSON.stringify(sent) ?? '')
  } catch (cause) {
    throw new Failure('bad-input', {}, { note: `${label}: JSON cannot say it`, cause })
  }
}
