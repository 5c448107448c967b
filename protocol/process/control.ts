import { Failure } from '../failures/failure.ts'
import { asModuleId, isId, type ModuleId } from '../ids.ts'
import { SNAPSHOT_NAME_MAX_BYTES, TIMER_KEY_MAX_BYTES } from '../limits/limits.ts'
import { fromUtf8, toUtf8 } from '../codec/bytes.ts'
import type { Piece } from '../codec/piece.ts'
import { findTag, type Tag, TagCursor } from '../items/tags.ts'

/** What the owner of a process has done to it: a signed item of Type Control in its feed. */
export type Control =
  | {
      readonly action: 'Upgrade'
      readonly module: ModuleId
      readonly pending: PendingRule
      /** Whether the state is kept under a name first, for a rollback. */
      readonly keeps: boolean
    }
  /** Names the module that it goes back to, so that sent twice it does not go back twice. */
  | { readonly action: 'Rollback'; readonly module: ModuleId; readonly pending: PendingRule }
  | { readonly action: 'Snapshot' | 'Forget'; readonly name: string }
  /** Without a name, the item's data is the document. */
  | { readonly action: 'Restore'; readonly name: string | undefined; readonly pending: PendingRule }
  | { readonly action: 'Cancel-Timer' | 'Run-Timer'; readonly timer: Uint8Array }

/** What becomes of calls that are open: nothing is done while there are some, or they are rejected. */
export type PendingRule = 'wait' | 'reject'

export const CONTROL_ACTIONS = [
  'Upgrade',
  'Rollback',
  'Snapshot',
  'Forget',
  'Restore',
  'Cancel-Timer',
  'Run-Timer',
] as const satisfies readonly Control['action'][]

/** What a spawn says so that its data is a document to begin from, and not a message to the program. */
export const RESTORE_SPAWN: Tag = { name: 'Restore', value: 'document' }

/** Whether the spawn of these tags begins from a document. */
export function isRestoreSpawn(tags: readonly Tag[]): boolean {
  return findTag(tags, RESTORE_SPAWN.name) === RESTORE_SPAWN.value
}

/** Names beginning with `@` are of snapshots that upgrades took. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const ANY_NAME = /^[@A-Za-z0-9][A-Za-z0-9._-]*$/

/** Whether the tags are those of a control message. */
export function isControl(tags: readonly Tag[]): boolean {
  return findTag(tags, 'Type') === 'Control'
}

/** The same of tags as they stand in an item, without making text of them. @throws {MalformedBytes} */
export function isControlSpelled(tags: Piece): boolean {
  if (!mayHoldControl(tags)) return false
  const { bytes } = tags
  const cursor = new TagCursor(tags)
  for (let left = cursor.count; left > 0; left--) {
    cursor.next()
    const isType = isText(bytes, cursor, TYPE)
    cursor.next()
    if (isType) return isText(bytes, cursor, CONTROL)
  }
  return false
}

/** Most messages do not have so much as the length and first letter of the value anywhere: one look says so. */
function mayHoldControl({ bytes, start, end }: Piece): boolean {
  for (let at = start + 1; at < end; at++) {
    if (bytes[at] === CONTROL_INITIAL && bytes[at - 1] === CONTROL_LENGTH) return true
  }
  return false
}

const TYPE = toUtf8('Type')
const CONTROL = toUtf8('Control')
const CONTROL_INITIAL = CONTROL[0]
/** As it stands before the value: a zig-zag number. */
const CONTROL_LENGTH = 2 * CONTROL.length

function isText(bytes: Uint8Array, { start, end }: TagCursor, text: Uint8Array): boolean {
  if (end - start !== text.length) return false
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text[at]) return false
  return true
}

/** Reads the tags of a control message. @throws {Failure} `bad-control` */
export function readControl(tags: readonly Tag[]): Control {
  const action = CONTROL_ACTIONS.find(one => one === findTag(tags, 'Action'))
  switch (action) {
    case 'Upgrade':
      return {
        action,
        module: moduleOf(tags),
        pending: choiceOf(tags, 'Pending', ['wait', 'reject']),
        keeps: choiceOf(tags, 'Keep', ['state', 'nothing']) === 'state',
      }
    case 'Rollback':
      return {
        action,
        module: moduleOf(tags),
        pending: choiceOf(tags, 'Pending', ['reject', 'wait']),
      }
    case 'Snapshot':
      return { action, name: nameOf(findTag(tags, 'Name'), NAME) }
    case 'Forget':
      return { action, name: nameOf(findTag(tags, 'Name')) }
    case 'Restore': {
      const name = findTag(tags, 'Name')
      const pending = choiceOf(tags, 'Pending', ['wait', 'reject'])
      return { action, name: name === undefined ? undefined : nameOf(name), pending }
    }
    case 'Cancel-Timer':
    case 'Run-Timer':
      return { action, timer: timerOf(tags) }
    case undefined:
      throw bad(`Action is one of ${CONTROL_ACTIONS.join(', ')}`)
  }
}

/** The tags that say a control message, but for those that every item has. @throws {Failure} `bad-control` */
export function controlTags(control: Control): Tag[] {
  const tags: Tag[] = [{ name: 'Action', value: control.action }]
  switch (control.action) {
    case 'Upgrade':
      tags.push({ name: 'Module', value: control.module })
      tags.push({ name: 'Pending', value: control.pending })
      if (!control.keeps) tags.push({ name: 'Keep', value: 'nothing' })
      break
    case 'Rollback':
      tags.push({ name: 'Module', value: control.module })
      tags.push({ name: 'Pending', value: control.pending })
      break
    case 'Snapshot':
      tags.push({ name: 'Name', value: nameOf(control.name, NAME) })
      break
    case 'Forget':
      tags.push({ name: 'Name', value: nameOf(control.name) })
      break
    case 'Restore':
      if (control.name !== undefined) tags.push({ name: 'Name', value: nameOf(control.name) })
      tags.push({ name: 'Pending', value: control.pending })
      break
    case 'Cancel-Timer':
    case 'Run-Timer':
      tags.push({ name: 'Timer', value: fromUtf8(control.timer) })
      break
  }
  return tags
}

function moduleOf(tags: readonly Tag[]): ModuleId {
  const module = findTag(tags, 'Module')
  if (module !== undefined && isId(module)) return asModuleId(module)
  throw bad('a Module tag with an id')
}

/** The first choice is what is meant when the tag is not there. */
function choiceOf<T extends string>(tags: readonly Tag[], name: string, choices: readonly [T, T]): T {
  const text = findTag(tags, name) ?? choices[0]
  const found = choices.find(choice => choice === text)
  if (found === undefined) throw bad(`${name} is ${choices.join(' or ')}`)
  return found
}

function nameOf(name: string | undefined, form = ANY_NAME): string {
  if (name !== undefined && name.length <= SNAPSHOT_NAME_MAX_BYTES && form.test(name)) return name
  throw bad(`a Name of 1 to ${SNAPSHOT_NAME_MAX_BYTES} letters, digits, dots and dashes`)
}

function timerOf(tags: readonly Tag[]): Uint8Array {
  const timer = toUtf8(findTag(tags, 'Timer') ?? '')
  if (timer.length > 0 && timer.length <= TIMER_KEY_MAX_BYTES) return timer
  throw bad('a Timer tag with the key of a timer')
}

const bad = (expected: string): Failure => new Failure('bad-control', { expected })
