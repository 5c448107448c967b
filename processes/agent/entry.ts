import type { EngineCalls } from './engine-calls.ts'
import type { Routes } from './routes.ts'
import { NAMES_AT } from './values/layout.ts'
import type { PlainValues } from './values/plain-json.ts'

/** Values of the engine that outlive a run: the same boxes at the same places in every instance. */
export interface Entry {
  readonly deliver: number
  readonly next: number
  readonly rejected: number
  readonly loaded: number
  readonly describe: number
  readonly where: number
  readonly routesText: number
  readonly routeNames: number
  readonly samples: number
  readonly nothing: number
  readonly yes: number
  readonly no: number
  readonly plain: PlainValues
  /** The address of the engine's runtime. */
  readonly runtime: number
  /** Of the program that was loaded, if one was. */
  readonly routes: Routes | undefined
}

const ENTRY_NAMES = [
  'deliver',
  'next',
  'rejected',
  'loaded',
  'describe',
  'where',
  'routesText',
  'routeNames',
  'samples',
] as const
type EntryName = (typeof ENTRY_NAMES)[number]

/** Runs the compiled prelude; gives its entry points. */
export function bootPrelude(calls: EngineCalls, prelude: Uint8Array): Entry {
  const { exports } = calls
  exports.qjs_set_promise_rejection_handler(1)
  exports.qjs_set_interrupt_handler(1)
  const global = exports.qjs_get_global()
  const host = exports.qjs_new_object()
  for (const name of ['random', 'child', 'data', 'rest', 'log', 'write'])
    calls.setProperty(host, name, calls.hostFunction(name))
  calls.setProperty(global, '__host', host)
  exports.qjs_free_value(calls.evaluate(prelude))
  const entry = calls.property(global, '__entry')
  const runtime = exports.qjs_get_runtime_ptr()
  const handles = ENTRY_NAMES.map(name => [name, calls.property(entry, name)])
  return {
    ...(Object.fromEntries(handles) as Record<EntryName, number>),
    nothing: exports.qjs_get_undefined(),
    yes: exports.qjs_get_true(),
    no: exports.qjs_get_false(),
    plain: {
      objectPrototype: calls.addressOf(calls.property(calls.property(global, 'Object'), 'prototype')),
      listPrototype: calls.addressOf(calls.property(calls.property(global, 'Array'), 'prototype')),
      namesAt: runtime + NAMES_AT,
      toJson: calls.nameNumber('toJSON'),
    },
    runtime,
    routes: undefined,
  }
}
