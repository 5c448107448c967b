import { fromUtf8, isId, type Tag, TIMER_INTERVAL_MIN_MS, toUtf8 } from '../../protocol/index.ts'
import { fromBase64 } from './base64.ts'
import { ProgramStop } from './program-stop.ts'

interface Payload {
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
}

/** What one line of stdout asks for. */
export type Action =
  | ({ readonly kind: 'send'; readonly to: string } & Payload)
  | ({
      readonly kind: 'spawn'
      readonly module: string
      readonly reference: string | undefined
    } & Payload)
  | { readonly kind: 'reply'; readonly value: unknown }
  | { readonly kind: 'event'; readonly name: string; readonly data: unknown }
  | {
      readonly kind: 'timer'
      readonly key: string
      readonly dueMs: number
      readonly everyMs: number | undefined
    }
  | { readonly kind: 'cancel'; readonly key: string }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }

type Fields = Readonly<Record<string, unknown>>

/** Levels of arrays and objects in a line: more could overflow the host's stack. */
const DEPTH_MAX = 128
/** Longest part of a wrong line that an error quotes. */
const QUOTE_MAX = 120
/** Characters of a code: it stands in the head of a result, which every push carries. */
const CODE_MAX = 64
/** Digits of a whole number that may be too many for a double. */
const MANY_DIGITS = /\d{16}/

/** A line does not have the form it must have. */
class BadLine extends Error {}

/** Reads what a program wrote to stdout. Empty lines are none. @throws {ProgramStop} `bad-output` */
export function readActions(stdout: Uint8Array): Action[] {
  const actions: Action[] = []
  let line = 0
  for (const text of textOf(stdout).split('\n')) {
    line += 1
    if (text.trim() === '') continue
    try {
      actions.push(readLine(text))
    } catch (error) {
      if (!(error instanceof BadLine)) throw error
      const quote = text.slice(0, QUOTE_MAX).toWellFormed()
      throw new ProgramStop('bad-output', `stdout line ${line}: ${error.message}: ${quote}`)
    }
  }
  return actions
}

function textOf(stdout: Uint8Array): string {
  try {
    return fromUtf8(stdout)
  } catch {
    throw new ProgramStop('bad-output', 'stdout is not UTF-8')
  }
}

function readLine(text: string): Action {
  const line = asFields(parse(text), 'a JSON object with one key')
  const [entry, ...others] = Object.entries(line)
  if (entry === undefined || others.length > 0) throw new BadLine('expected a JSON object with one key')
  const [kind, value] = entry
  switch (kind) {
    case 'send': {
      const fields = fieldsOf(value, kind, ['to', 'action', 'tags', 'data', 'encoding'])
      return { kind, to: textField(fields, 'to'), ...payloadOf(fields) }
    }
    case 'spawn': {
      const names = ['module', 'action', 'tags', 'data', 'encoding', 'reference']
      const fields = fieldsOf(value, kind, names)
      const module = textField(fields, 'module')
      if (!isId(module)) throw new BadLine('expected the id of a module')
      return { kind, module, reference: optionalText(fields, 'reference'), ...payloadOf(fields) }
    }
    case 'reply':
      return { kind, value }
    case 'event': {
      const fields = fieldsOf(value, kind, ['name', 'data'])
      return { kind, name: textField(fields, 'name'), data: fields['data'] }
    }
    case 'timer':
      return timerOf(fieldsOf(value, kind, ['key', 'dueMs', 'everyMs']))
    case 'cancel':
      return { kind, key: textField(fieldsOf(value, kind, ['key']), 'key') }
    case 'log':
      return {
        kind,
        text: typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value),
      }
    case 'error': {
      const fields = fieldsOf(value, kind, ['code', 'message'])
      const code = textField(fields, 'code')
      if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(code)) throw new BadLine('expected a code in kebab-case')
      if (code.length > CODE_MAX) throw new BadLine(`expected a code of ${CODE_MAX} characters at most`)
      return { kind, code, message: textField(fields, 'message') }
    }
  }
  throw new BadLine('expected send, spawn, reply, event, timer, cancel, log or error')
}

function timerOf(fields: Fields): Action {
  const [dueMs, everyMs] = [timeField(fields, 'dueMs'), timeField(fields, 'everyMs')]
  if (everyMs !== undefined && everyMs < TIMER_INTERVAL_MIN_MS)
    throw new BadLine(`expected everyMs of ${TIMER_INTERVAL_MIN_MS} at least`)
  if (dueMs === undefined) throw new BadLine('expected dueMs, a whole number of milliseconds')
  return { kind: 'timer', key: textField(fields, 'key'), dueMs, everyMs }
}

/** Tags and data: data that is no text is sent as JSON, and says so. */
function payloadOf(fields: Fields): Payload {
  const action = optionalText(fields, 'action')
  const tags = [...(action === undefined ? [] : [{ name: 'Action', value: action }]), ...tagsOf(fields['tags'])]
  const { data } = fields
  const encoding = optionalText(fields, 'encoding') ?? 'utf-8'
  if (typeof data !== 'string') {
    if (data === undefined) return { tags, data: new Uint8Array(0) }
    if (encoding !== 'utf-8') throw new BadLine('expected data to be text')
    const isTold = tags.some(({ name }) => name.toLowerCase() === 'content-type')
    const type = isTold ? [] : [{ name: 'Content-Type', value: 'application/json' }]
    return { tags: [...tags, ...type], data: toUtf8(JSON.stringify(data)) }
  }
  if (encoding === 'utf-8') return { tags, data: toUtf8(data) }
  const bytes = encoding === 'base64' ? fromBase64(data) : undefined
  if (bytes === undefined) throw new BadLine('expected data in base64, or encoding utf-8')
  return { tags, data: bytes }
}

/** `{ "Name": "value" }`, or `[{ "name", "value" }]` where a name comes twice. */
function tagsOf(value: unknown): Tag[] {
  if (value === undefined) return []
  const pairs = Array.isArray(value)
    ? value.map(one => fieldsOf(one, 'tag', ['name', 'value'])).map(one => [one['name'], one['value']] as const)
    : Object.entries(asFields(value, 'tags'))
  return pairs.map(([name, text]) => {
    if (typeof name !== 'string' || typeof text !== 'string') throw new BadLine('expected tags with text as values')
    return { name: name.toWellFormed(), value: text.toWellFormed() }
  })
}

function parse(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new BadLine('expected JSON')
  }
  if (!isShallow(value, DEPTH_MAX)) throw new BadLine(`nested deeper than ${DEPTH_MAX}`)
  // Goes down by recursion: never before the depth is known.
  if (MANY_DIGITS.test(text)) JSON.parse(text, refuseRounded)
  return value
}

/** What other languages count exactly must not become another number on its way. @throws {BadLine} */
function refuseRounded(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isRounded = typeof value === 'number' && /^-?\d+$/.test(context?.source ?? '') && !Number.isSafeInteger(value)
  if (isRounded) throw new BadLine('expected whole numbers up to 2^53 - 1; give larger ones as text')
  return value
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every(part => isShallow(part, levels - 1))
}

function asFields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadLine(`expected ${what}`)
  return value as Fields
}

/** An object that has no other keys: a word misspelt must not be passed over. */
function fieldsOf(value: unknown, what: string, names: readonly string[]): Fields {
  const fields = asFields(value, `an object behind ${what}`)
  const strange = Object.keys(fields).find(name => !names.includes(name))
  if (strange !== undefined) throw new BadLine(`${what} has no "${strange.slice(0, 40)}"`)
  return fields
}

function textField(fields: Fields, name: string): string {
  const text = optionalText(fields, name)
  if (text === undefined) throw new BadLine(`expected ${name}`)
  return text
}

function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new BadLine(`expected ${name} to be text`)
  return value.toWellFormed()
}

function timeField(fields: Fields, name: string): number | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new BadLine(`expected ${name} to be a whole number of milliseconds`)
}
