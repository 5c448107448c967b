import type { EngineCalls } from './engine-calls.ts'
import type { Entry } from './entry.ts'
import { type Form, FormReader, type Sample } from './values/forms.ts'
import { ITEM_COUNT, ITEMS, TEXT, VALUE_BYTES } from './values/layout.ts'

/** A message or query of a program. */
export interface Route {
  readonly number: number
  /** Where the engine keeps its name. */
  readonly nameAt: number
  /** What it takes and gives; undefined: only the program knows. */
  readonly input: Form | undefined
  readonly reply: Form | undefined
}

/** What the host knows of a loaded program. Addresses are the same in all instances of its image. */
export interface Routes {
  readonly byName: ReadonlyMap<string, Route>
  /** By their numbers. */
  readonly all: readonly (Route | undefined)[]
  /** How the engine lays out a list. */
  readonly listShape: number
  readonly task: TaskLayout
}

/** How the program inside has a message (`guest/task.ts`). */
export interface TaskLayout {
  readonly sample: Sample
  /** In bytes, from where its fields begin. */
  readonly places: Readonly<Record<TaskField, number>>
}

const TASK_FIELDS = [
  'action',
  'from',
  'flags',
  'dataOrNothing',
  'slot',
  'restOrNothing',
  'named',
  'route',
  'input',
] as const
type TaskField = (typeof TASK_FIELDS)[number]
/** In the list of samples. */
const LIST_SAMPLE = 0
const TASK_SAMPLE = 1

/**
 * Takes what a program told of its messages and queries, and looks at what it laid out for them. Of what makes no sense nothing is known; undefined: a message
 * is laid out otherwise than the prelude has it, so the program bent that.
 */
export function readRoutes(calls: EngineCalls, entry: Entry, text: string): Routes | undefined {
  const { memory } = calls
  const word = (at: number): number => memory.words[at >>> 2] ?? 0
  const samples = calls.addressOf(entry.samples)
  const names = calls.addressOf(entry.routeNames)
  const forms = new FormReader(memory, word(entry.plain.namesAt), samples)
  const [listShape, task] = [forms.listShape(LIST_SAMPLE), taskLayout(forms)]
  if (listShape === undefined || task === undefined) return undefined
  const byName = new Map<string, Route>()
  const all = toldRoutes(text).map(([name, input, reply], number) => {
    const at = word(names + ITEMS) + VALUE_BYTES * number
    if (typeof name !== 'string' || number >= word(names + ITEM_COUNT) || word(at + 4) !== TEXT) return undefined
    const route = { number, nameAt: word(at), input: forms.read(input), reply: forms.read(reply) }
    byName.set(name, route)
    return route
  })
  return { byName, all, listShape, task }
}

function taskLayout(forms: FormReader): TaskLayout | undefined {
  const sample = forms.sample(TASK_SAMPLE)
  const places = TASK_FIELDS.map(field => [field, VALUE_BYTES * (sample?.names.indexOf(field) ?? -1)] as const)
  if (sample === undefined || places.some(([, place]) => place < 0)) return undefined
  return { sample, places: Object.fromEntries(places) as Record<TaskField, number> }
}

/** A program can bend what tells it. */
function toldRoutes(text: string): readonly (readonly unknown[])[] {
  try {
    const told: unknown = JSON.parse(text)
    return Array.isArray(told) ? told.map(route => (Array.isArray(route) ? route : [])) : []
  } catch {
    return []
  }
}
