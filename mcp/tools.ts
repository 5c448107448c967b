import type { Tool } from '@modelcontextprotocol/server'
import { checkValue, closedSchema, schemaOfJson } from '../contract/index.ts'
import { Failure, type InterfaceDescription, type JsonSchema } from '../protocol/index.ts'
import type { Exposed } from './catalog.ts'
import { toldSchema } from './told-schema.ts'
import { toldText } from './told-text.ts'
import { TOOL_NAME_MAX_CHARS, toolName } from './tool-name.ts'

type Question = InterfaceDescription['messages'][string]

/** The tools of a process: its queries, and its messages if writes are allowed. */
export function toolsOf({ label, described }: Exposed, allowWrite: boolean): Tool[] {
  const tool = (name: string, question: Question, isQuery: boolean): Tool => ({
    name: toolName(label, name),
    title: `${described.name}: ${name}`,
    description: aboutOf(name, question, label, isQuery),
    inputSchema: objectSchema(toldSchema(closedSchema(question.input), { patterns: true })),
    ...replySchema(toldSchema(question.reply, { patterns: false })),
    annotations: { readOnlyHint: isQuery, destructiveHint: !isQuery, idempotentHint: isQuery, openWorldHint: false },
  })
  const messages = allowWrite ? Object.entries(described.messages) : []
  const tools = [
    ...Object.entries(described.queries).map(([name, question]) => tool(name, question, true)),
    ...messages.map(([name, question]) => tool(name, question, false)),
  ]
  return tools.filter(({ name }) => name.length <= TOOL_NAME_MAX_CHARS)
}

/** Whether the fields of an input are the arguments of its tool. */
export function isObjectInput({ input }: Pick<Question, 'input'>): boolean {
  return isObjectSchema(input)
}

/** What a tool was called with, as the process takes it: an input that is no object stands in a field. @throws {Failure} `bad-input` */
export function inputOf(
  question: Pick<Question, 'input'>,
  given: Readonly<Record<string, unknown>> | undefined,
): unknown {
  if (isObjectInput(question)) return given
  const checked = checkValue(schemaOfJson({ properties: { input: {} } }), given)
  if (!checked.ok) throw new Failure('bad-input', {}, { note: checked.problem })
  return given?.['input']
}

function aboutOf(name: string, { doc, allow }: Question, label: string, isQuery: boolean): string {
  const what = asSentence(toldText(doc ?? `${isQuery ? 'Asks' : 'Sends'} ${name}`))
  const how = isQuery
    ? `Query of the process ${label}; changes nothing.`
    : `Message to the process ${label}; it is signed and stands in its feed.`
  return [what, how, ...(allow === undefined ? [] : [`Only for: ${toldText(allow.join(', '))}.`])].join(' ')
}

const asSentence = (text: string): string => (/[.!?\u2026]$/.test(text) ? text : `${text}.`)

/** Clients take objects only. */
function objectSchema(schema: JsonSchema): Tool['inputSchema'] {
  if (isObjectSchema(schema)) return { ...schema, type: 'object' } as Tool['inputSchema']
  const input = hasReferences(schema) ? {} : schema
  return {
    type: 'object',
    properties: { input },
    required: ['input'],
    additionalProperties: false,
  } as Tool['inputSchema']
}

function replySchema(reply: JsonSchema): Pick<Tool, 'outputSchema'> {
  if (hasReferences(reply) || reply['type'] === 'null') return {}
  return { outputSchema: { type: 'object', properties: { reply } } as NonNullable<Tool['outputSchema']> }
}

function isObjectSchema(schema: JsonSchema): boolean {
  return schema['type'] === 'object'
}

/** References are from the root of a document; below another root they lead nowhere. */
function hasReferences(schema: JsonSchema): boolean {
  return JSON.stringify(schema).includes('"$ref"')
}
