import { AgentError } from './agent-error.ts'
import { checkSent, type Schema } from './definition.ts'
import { host } from './host.ts'
import { WRITTEN } from './written.ts'

/** JSON of a reply as an output has it: mostly the host has written it. Empty for nothing. @throws {AgentError} `bad-reply` */
export function outputReply(schema: Schema, value: unknown, action: string): string {
  if (checkSent(schema, value, 'bad-reply', action)) return ''
  return typeof value === 'object' && host.write(value) ? WRITTEN : jsonOf(value)
}

/** JSON of a reply, empty for nothing. What travels is the form that the schema takes. @throws {AgentError} `bad-reply` */
export const replyText = (schema: Schema, value: unknown, action: string): string =>
  checkSent(schema, value, 'bad-reply', action) ? '' : jsonOf(value)

/** Numbers are most of them and need no more than their digits. */
function jsonOf(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  const text = JSON.stringify(value)
  if (text === undefined) throw new AgentError('bad-reply', 'a function is no reply')
  return text
}
