import { type AnyContract, checkInput, checkValue, inputToSend, type Schema } from '../contract/index.ts'
import { Failure, type Tag } from '../protocol/index.ts'
import type { MessageFields } from './message-item.ts'

/** Says that the data are JSON; without data: that the input was left out. */
const JSON_TAG = { name: 'Content-Type', value: 'application/json' }

/** What a checked input travels as: the Action, and the input as JSON; no data, if there is no input. @throws {Failure} `bad-input` */
export function callMessage(
  contract: AnyContract,
  name: string,
  input: unknown,
): Required<Pick<MessageFields, 'action' | 'tags' | 'data'>> {
  const schema = (contract.messages[name] ?? contract.queries[name])?.input
  const action = contract.wire?.actions[name] ?? name
  if (schema === undefined) return { action, tags: [JSON_TAG], data: '' }
  return { action, ...payload(contract, schema, input, `${contract.name}.${name}`) }
}

/** An input as the contract has it travel, and the tag that tells how. @throws {Failure} `bad-input`; nothing was sent */
export function payload(
  { wire }: AnyContract,
  schema: Schema,
  input: unknown,
  label: string,
): { tags: Tag[]; data: Uint8Array | string } {
  if (wire === undefined) return { tags: [JSON_TAG], data: inputData(schema, input, label) }
  const checked = checkValue(schema, input)
  if (!checked.ok) throw new Failure('bad-input', {}, { note: `${label}: ${checked.problem}` })
  if (!(checked.value instanceof Uint8Array)) throw new TypeError(`${label}: its schema gives no bytes`)
  return { tags: [{ name: 'Content-Type', value: wire.contentType }], data: checked.value }
}

/** The JSON of an input that fits its schema. @throws {Failure} `bad-input`; nothing was sent */
function inputData(schema: Schema, input: unknown, label: string): string {
  const checked = checkInput(schema, input)
  if (!checked.ok) throw new Failure('bad-input', {}, { note: `${label}: ${checked.problem}` })
  const sent = inputToSend(schema, input)
  try {
    return sent === undefined ? '' : (JSON.stringify(sent) ?? '')
  } catch (cause) {
    throw new Failure('bad-input', {}, { note: `${label}: JSON cannot say it`, cause })
  }
}
