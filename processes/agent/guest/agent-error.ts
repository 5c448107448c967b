import { ENGINE_LIMITS } from './engine-limits.ts'
import { format } from './format.ts'

/** A failure with a stable word: what other processes and people see of it. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

type Prepare = (error: Error, frames: unknown) => unknown
const NO_STACK: Prepare = () => undefined

/** The same error without a stack: the engine gives it that of the place where it is thrown next, which is the program's. */
export function unplaced({ code, message }: AgentError): AgentError {
  const errors = Error as { prepareStackTrace?: Prepare | undefined }
  const before = errors.prepareStackTrace
  errors.prepareStackTrace = NO_STACK
  const error = new AgentError(code, message)
  errors.prepareStackTrace = before
  return error
}

/** What is told of a thrown value. */
export interface Told {
  readonly code: string
  readonly message: string
  /** For the source position; empty if there is none. */
  readonly stack: string
}

const CODE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const CODE_MAX = 64
const MESSAGE_MAX = 1000
const STACK_MAX = 8192
/** More than an error takes, with its stack. */
const ERROR_BYTES = 4096

/**
 * Let go of when an agent has used all of its memory, so that there is room to say so: only what happened to be free was left for that. The attempt
 * that failed is undone, so the next has it again.
 */
const spare: { room: ArrayBuffer | undefined } = { room: new ArrayBuffer(65_536) }

/** Where there is no room for an error either, the engine throws `null`; so may a program, which then has room. */
function isOutOfMemory(thrown: unknown): boolean {
  if (thrown !== null) return thrown instanceof Error && limitOf(thrown) === 'memory-limit'
  try {
    return new ArrayBuffer(ERROR_BYTES).byteLength < ERROR_BYTES
  } catch {
    return true
  }
}

/** Reads a thrown value without trusting it: getters of it may throw too. */
export function tell(thrown: unknown): Told {
  try {
    if (isOutOfMemory(thrown)) {
      spare.room = undefined
      if (thrown === null) return { code: 'memory-limit', message: ENGINE_LIMITS['memory-limit'], stack: '' }
    }
    if (!(thrown instanceof Error)) return { code: 'threw', message: cut(format([thrown])), stack: '' }
    const { code } = thrown as Error & { code?: unknown }
    const stack = typeof thrown.stack === 'string' ? thrown.stack.slice(0, STACK_MAX) : ''
    const absent = absentName(thrown)
    if (absent !== undefined) return { code: 'unavailable', message: absent, stack }
    const limit = limitOf(thrown)
    if (limit !== undefined) return { code: limit, message: ENGINE_LIMITS[limit], stack }
    return { code: isCode(code) ? code : 'threw', message: cut(thrown.message || thrown.name), stack }
  } catch {
    return { code: 'threw', message: 'something that cannot be told', stack: '' }
  }
}

const isCode = (code: unknown): code is string => typeof code === 'string' && code.length <= CODE_MAX && CODE.test(code)

/** Which of the engine's own limits it tells, by the only thing that tells them. */
function limitOf({ name, message }: Error): keyof typeof ENGINE_LIMITS | undefined {
  if (name === 'RangeError' && message === 'Maximum call stack size exceeded') return 'stack-overflow'
  if (name !== 'InternalError') return undefined
  if (message === 'interrupted') return 'out-of-gas'
  return message === 'out of memory' ? 'memory-limit' : undefined
}

const OUTSIDE = "Use ctx.effect('http.fetch', …)"
const NO_PLACE = 'Keep it in ctx.state'
/** What programs elsewhere have and a process has not, with what to use instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  fetch: OUTSIDE,
  XMLHttpRequest: OUTSIDE,
  WebSocket: OUTSIDE,
  EventSource: OUTSIDE,
  Request: OUTSIDE,
  Response: OUTSIDE,
  require: 'Use import: the bundler takes in what is imported',
  process: 'Give settings as args when it is spawned',
  Deno: 'Give settings as args when it is spawned',
  Bun: 'Give settings as args when it is spawned',
  Buffer: 'Use Uint8Array, TextEncoder and TextDecoder',
  setImmediate: 'Use queueMicrotask or ctx.sleep',
  requestAnimationFrame: 'Use ctx.sleep',
  localStorage: NO_PLACE,
  sessionStorage: NO_PLACE,
  indexedDB: NO_PLACE,
  window: 'Use globalThis',
  document: 'Put pages in the program that asks',
  navigator: 'Give settings as args when it is spawned',
  Worker: 'Use ctx.spawn: another process runs beside this one',
  Intl: 'Format texts in the program that shows them; toLocaleString and localeCompare know one language',
  WebAssembly: 'Spawn a process of that module with ctx.spawn',
}

/** A name that is nobody's here, said so that the author knows what to do. */
function absentName(error: Error): string | undefined {
  if (/^Dynamic require of |^could not load module/.test(error.message))
    return `'require' and 'import()' are not available in a process. ${INSTEAD['require']}`
  if (!(error instanceof ReferenceError)) return undefined
  const name = /^'?([\w$]+)'? is not defined$/.exec(error.message)?.[1]
  if (name === undefined || !Object.hasOwn(INSTEAD, name)) return undefined
  return `'${name}' is not available in a process. ${INSTEAD[name]}`
}

const cut = (text: string): string => (text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}…` : text)
