import { AgentError, tell } from './agent-error.ts'
import { checkSent, type Schema } from './definition.ts'
import { host } from './host.ts'
import type { Route } from './routes.ts'
import { WRITTEN } from './written.ts'

/** JSON of a reply as an output has it: mostly the host has written it. Empty for nothing. @throws {AgentError} `bad-reply` */
export function outputReply({ reply: schema, number }: Route, value: unknown, action: string): string {
  // By its number the host knows what the reply must be; if it is not surely that, the schema says what is wrong.
  if (typeof value === 'object' && host.write(value, number)) return WRITTEN
  if (checkSent(schema, value, 'bad-reply', action)) return ''
  return typeof value === 'object' && host.write(value) ? WRITTEN : jsonOf(value, action)
}

/** JSON of a reply, empty for nothing. What travels is the form that the schema takes. @throws {AgentError} `bad-reply` */
export const replyText = (schema: Schema, value: unknown, action: string): string =>
  checkSent(schema, value, 'bad-reply', action) ? '' : jsonOf(value, action)

/** Numbers are most of them and need no more than their digits. */
function jsonOf(value: unknown, action: string): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  const text = stringified(value, action)
  if (text === undefined) throw new AgentError('bad-reply', `${action}: its reply is nothing that JSON can tell`)
  return text
}

function stringified(value: unknown, action: string): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    const told = tell(error)
    if (told.code !== 'threw') throw error
    throw new AgentError('bad-reply', `${action}: its reply is no JSON: ${told.message}`)
  }
}
