import { AgentError, tell } from './agent-error.ts'
import type { Reply, Task } from './agent.ts'
import { check, type Schema } from './definition.ts'
import { tagInput, tagOf } from './tags.ts'

/** What a request asks with, checked. @throws {AgentError} `bad-input` */
export function inputOf(task: Task, schema: Schema | undefined): unknown {
  if ('input' in task) return check(schema, task.input, 'bad-input', task.action)
  if (task.data === '' && tagOf(task.tags, 'Content-Type') === undefined)
    return fromTags(task, schema)
  if (task.isBase64) throw new AgentError('bad-input', `${task.action}: its data is not UTF-8`)
  return check(schema, parse(task, schema), 'bad-input', task.action)
}

function parse(task: Task, schema: Schema | undefined): unknown {
  if (task.data === '') return undefined
  try {
    return JSON.parse(task.data)
  } catch (error) {
    if (tagOf(task.tags, 'Content-Type') === 'application/json' || schema === undefined) {
      throw new AgentError(
        'bad-input',
        `${task.action}: its data is not JSON (${tell(error).message})`,
      )
    }
    // Plain text, for whom a schema of a string is meant.
    return task.data
  }
}

/** A message without data: its tags say what it means, as strings or, if these do not fit, as what they read like. */
function fromTags(task: Task, schema: Schema | undefined): unknown {
  const texts = tagInput(task.tags)
  const isEmpty = Object.keys(texts).length === 0
  try {
    return check(schema, texts, 'bad-input', task.action)
  } catch (error) {
    for (const other of isEmpty ? [undefined, null] : [parsedValues(texts)]) {
      try {
        return check(schema, other, 'bad-input', task.action)
      } catch {
        // The first error is the one to tell.
      }
    }
    throw error
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
export function replyValue(reply: Reply, schema: Schema | undefined, place: string): unknown {
  let value: unknown
  try {
    value = reply.data === '' ? undefined : JSON.parse(reply.data)
  } catch {
    value = reply.data
  }
  return check(schema, value, 'bad-reply', place)
}
