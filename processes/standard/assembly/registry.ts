// Names for processes. Who registers a name owns it. Actions:
// - Register (Name, Process): takes a free name, or points an own one elsewhere.
// - Lookup (Name): gives the process. - Transfer (Name, Recipient): gives the name away.
// - Release (Name): frees it. - List (Prefix, Cursor, Limit): names in order, one a line.

import {
  answer,
  fail,
  from,
  getText,
  keysAfter,
  kind,
  KIND_SPAWN,
  remove,
  required,
  respond,
  setText,
  tag,
} from './atoll'
import { isAddress, isName, pageLimit } from './text'

export { inbox } from './atoll'

const PROCESS = 'p:'
const OWNER = 'o:'
const PAGE_MAX: i32 = 256

export function handle(length: i32): i32 {
  if (kind() == KIND_SPAWN) return 0
  const action = tag('Action')
  if (action == 'Register') register()
  else if (action == 'Lookup') lookup()
  else if (action == 'Transfer') transfer()
  else if (action == 'Release') release()
  else if (action == 'List') list()
  else fail('Unknown Action')
  return 0
}

function register(): void {
  const name = nameOf()
  const process = required('Process')
  if (!isAddress(process)) fail('Process must be an id')
  const owner = getText(OWNER + name)
  if (owner != null && owner != from()) fail('Name is taken')
  if (owner == null) setText(OWNER + name, from())
  setText(PROCESS + name, process)
  respond(answer().tag('Action', 'Registered').tag('Name', name).tag('Process', process), process)
}

function lookup(): void {
  const name = nameOf()
  const process = getText(PROCESS + name)
  const owner = getText(OWNER + name)
  if (process == null || owner == null) {
    fail('Name is not registered')
    return
  }
  const found = answer().tag('Action', 'Lookup-Response').tag('Name', name)
  respond(found.tag('Process', process).tag('Owner', owner), process)
}

function transfer(): void {
  const name = ownName()
  const recipient = required('Recipient')
  if (!isAddress(recipient)) fail('Recipient must be an address')
  setText(OWNER + name, recipient)
  respond(
    answer().tag('Action', 'Transferred').tag('Name', name).tag('Recipient', recipient),
    recipient,
  )
}

function release(): void {
  const name = ownName()
  remove(OWNER + name)
  remove(PROCESS + name)
  respond(answer().tag('Action', 'Released').tag('Name', name), name)
}

/** Lines of name and process; a Cursor tag names where the next page begins. */
function list(): void {
  const prefix = tag('Prefix')
  const cursor = tag('Cursor')
  const start = prefix == null ? '' : prefix
  if (start.length > 0 && !isName(start)) fail('Prefix is no beginning of a name')
  const after =
    cursor == null || cursor.length <= start.length ? '' : cursor.substring(start.length)
  if (cursor != null && cursor.length > 0 && !cursor.startsWith(start))
    fail('Cursor has another prefix')
  const limit = pageLimit(PAGE_MAX)
  const rests = keysAfter(PROCESS + start, after, limit)
  let lines = ''
  for (let i = 0; i < rests.length; i++) {
    const process = getText(PROCESS + start + rests[i])
    lines += start + rests[i] + ' ' + (process == null ? '' : process) + '\n'
  }
  const page = answer().tag('Action', 'List-Response').tag('Count', rests.length.toString())
  if (rests.length == limit) page.tag('Cursor', start + rests[rests.length - 1])
  respond(page, lines)
}

function ownName(): string {
  const name = nameOf()
  const owner = getText(OWNER + name)
  if (owner == null) fail('Name is not registered')
  if (owner != from()) fail('Only the owner may do that')
  return name
}

function nameOf(): string {
  const name = required('Name')
  if (!isName(name)) fail('Name must be 1 to 64 of a-z 0-9 - _ .')
  return name
}
