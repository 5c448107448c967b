import { module, section, text, unsigned, vector } from './wasm-bytes.ts'

/** The module name of every import a guest may have. */
export const HOST_MODULE = 'atoll'

/** Parameters and results of a function: `i` is i32, `I` is i64. */
type Signature = `${string}>${'' | 'i' | 'I'}`

/** What a guest may import, by name; docs/protocol/actor-abi.md tells what each does. */
export const HOST_FUNCTIONS = {
  send: 'ii>',
  spawn: 'iii>',
  assign: 'ii>',
  reply: 'ii>',
  log: 'ii>',
  fail: 'ii>',
  now: '>I',
  random: 'ii>',
  self: 'i>i',
  get: 'iiii>i',
  set: 'iiii>',
  delete: 'ii>',
  add: 'iiI>',
  scan: 'iiiiiiii>i',
  set_timer: 'iiII>',
  clear_timer: 'ii>',
} as const satisfies Record<string, Signature>

export type HostFunction = keyof typeof HOST_FUNCTIONS

/** What a guest must export, and what it may. */
export const GUEST_REQUIRED = { inbox: 'i>i', handle: 'i>i' } as const satisfies Record<string, Signature>
export const GUEST_OPTIONAL = {
  query: 'i>i',
  init: '>',
  _initialize: '>',
} as const satisfies Record<string, Signature>

const CODES: Readonly<Record<string, number>> = { i: 0x7f, I: 0x7e }

/**
 * A module whose imports have the given signatures: the engine links it only to functions that
 * have exactly these. The script interface of WebAssembly tells the types of functions no other way.
 */
export function importingModule(functions: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(functions)
  const types = vector(entries.map(([, signature]) => functionType(signature)))
  const imports = vector(entries.map(([name], index) => [...text(HOST_MODULE), ...text(name), 0, ...unsigned(index)]))
  return module([section(1, types), section(2, imports)])
}

/** A module that exports functions of the given signatures which trap: what a check may link to. */
export function exportingModule(functions: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(functions)
  const types = vector(entries.map(([, signature]) => functionType(signature)))
  const indexes = vector(entries.map((_, index) => unsigned(index)))
  const exports = vector(entries.map(([name], index) => [...text(name), 0, ...unsigned(index)]))
  const bodies = vector(entries.map(() => [3, 0, 0x00, 0x0b]))
  return module([section(1, types), section(3, indexes), section(7, exports), section(10, bodies)])
}

/** A custom section to append to a module. */
export function customSection(name: string, bytes: Uint8Array): number[] {
  return section(0, [...text(name), ...bytes])
}

function functionType(signature: string): number[] {
  const [parameters = '', results = ''] = signature.split('>')
  const codes = (letters: string) => vector([...letters].map(letter => [CODES[letter] ?? 0]))
  return [0x60, ...codes(parameters), ...codes(results)]
}
