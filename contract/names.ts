/** A contract or an implementation that cannot be; thrown where it is made. */
export class MalformedContract extends Error {
  override readonly name = 'MalformedContract'
  readonly code = 'malformed-contract'
  /** What of it is wrong: `counter`, `counter.add`. */
  readonly where: string

  constructor(where: string, problem: string) {
    super(`${where}: ${problem}`)
    this.where = where
  }
}

/** What every reference has of its own, or what the language asks every object for: no message can be called so. */
const RESERVED_NAMES = [
  'id',
  'contract',
  'send',
  'events',
  'results',
  'state',
  'locate',
  'spawned',
  'then',
  'catch',
  'finally',
  'constructor',
  'prototype',
  'toString',
  'toJSON',
  'valueOf',
  'hasOwnProperty',
  '__proto__',
] as const
export type ReservedName = (typeof RESERVED_NAMES)[number]

/** Whether every reference, or every object, has something of that name. */
export function isReservedName(name: string): name is ReservedName {
  return (RESERVED_NAMES as readonly string[]).includes(name)
}

/** Letters, digits, dash and underscore after a letter: a name in code, an Action on the wire, a word in a shell. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/

/** Checks the names of a contract. @throws {MalformedContract} */
export function checkNames(names: {
  readonly name: string
  readonly version: string
  readonly messages: object
  readonly queries: object
  readonly events: object
}): void {
  const { name, version, messages, queries, events } = names
  if (!NAME.test(name)) throw new MalformedContract('contract', `${notAName(name)}`)
  if (!VERSION.test(version))
    throw new MalformedContract(name, `expected a version like '1.0.0', got ${JSON.stringify(version)}`)
  for (const action of [...Object.keys(messages), ...Object.keys(queries)]) checkAction(name, action)
  for (const event of Object.keys(events))
    if (!NAME.test(event)) throw new MalformedContract(`${name}.${event}`, notAName(event))
  const twice = Object.keys(queries).find(query => Object.hasOwn(messages, query))
  if (twice !== undefined)
    throw new MalformedContract(`${name}.${twice}`, 'is a message and a query; give one of them another name')
}

function checkAction(contract: string, action: string): void {
  const where = `${contract}.${action}`
  if (action.startsWith('@')) throw new MalformedContract(where, "names that begin with @ are the runtime's own")
  if (!NAME.test(action)) throw new MalformedContract(where, notAName(action))
  if (isReservedName(action))
    throw new MalformedContract(where, 'every reference has something of that name; choose another one')
}

function notAName(text: string): string {
  return `expected a name of at most 64 letters, digits, dashes and underscores after a letter, got ${JSON.stringify(text)}`
}
