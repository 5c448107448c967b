import type { Reply } from './agent.ts'
import { FLAGS, type Task } from './task.ts'
import { AgentError, tell } from './agent-error.ts'
import { check, checkGiven, type Schema } from './definition.ts'
import { tagInput, tagOf } from './tags.ts'

/** What a request asks with, checked. @throws {AgentError} `bad-input` */
export function inputOf(task: Task, schema: Schema): unknown {
  if ((task.flags & FLAGS.isRead) !== 0) return task.input
  if ((task.flags & FLAGS.isGiven) !== 0) return checkGiven(schema, task.input, 'bad-input', task.action)
  // Clients of AO send a space where they have nothing to say.
  if (task.data !== '' && task.data !== ' ') return check(schema, parsed(task), 'bad-input', task.action, true)
  if (tagOf(task.tags, 'Content-Type') !== undefined) return checkGiven(schema, undefined, 'bad-input', task.action)
  const texts = tagInput(task.tags)
  if (Object.keys(texts).length === 0) return checkGiven(schema, undefined, 'bad-input', task.action)
  return fromTags(task, texts, schema)
}

function parsed(task: Task): unknown {
  if (task.isBase64) throw new AgentError('bad-input', `${task.action}: its data is not UTF-8`)
  try {
    return JSON.parse(task.data)
  } catch (error) {
    if (tagOf(task.tags, 'Content-Type') === 'application/json')
      throw new AgentError('bad-input', `${task.action}: its data is not JSON (${tell(error).message})`)
    // Plain text, for whom a schema of a string is meant.
    return task.data
  }
}

/** A message without data: its tags say what it means, as strings or, if these do not fit, as what they read like. */
function fromTags(task: Task, texts: Readonly<Record<string, string>>, schema: Schema): unknown {
  try {
    return check(schema, texts, 'bad-input', task.action)
  } catch (error) {
    try {
      return check(schema, parsedValues(texts), 'bad-input', task.action)
    } catch {
      throw error
    }
  }
}

const NUMBER = /^-?\d+(?:\.\d+)?$/

function parsedValues(texts: Readonly<Record<string, string>>): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(texts)) {
    if (NUMBER.test(text)) values[name] = Number(text)
    else values[name] = text === 'true' ? true : text === 'false' ? false : text
  }
  return values
}

/** The value a reply carries. @throws {AgentError} `bad-reply` */
export function replyValue(reply: Reply, schema: Schema, place: string): unknown {
  let value: unknown
  try {
    value = reply.data === '' ? undefined : JSON.parse(reply.data)
  } catch {
    value = reply.data
  }
  return check(schema, value, 'bad-reply', place, true)
}
