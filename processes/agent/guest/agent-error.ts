import { absentName } from './absent.ts'
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

/** Where there is no room for an error, the engine throws `null`; so may a program, which then has room. */
function isMemoryFull(): boolean {
  try {
    return new ArrayBuffer(ERROR_BYTES).byteLength < ERROR_BYTES
  } catch {
    return true
  }
}

/** Reads a thrown value without trusting it: getters of it may throw too. */
export function tell(thrown: unknown): Told {
  try {
    const limit = limitOf(thrown)
    if (limit === 'memory-limit') spare.room = undefined
    if (limit !== undefined) return { code: limit, message: ENGINE_LIMITS[limit], stack: stackOf(thrown) }
    if (!(thrown instanceof Error)) return { code: 'threw', message: cut(format([thrown])), stack: '' }
    const { code } = thrown as Error & { code?: unknown }
    const stack = stackOf(thrown)
    const absent = absentName(thrown)
    if (absent !== undefined) return { code: 'unavailable', message: absent, stack }
    return { code: isCode(code) ? code : 'threw', message: cut(thrown.message || thrown.name), stack }
  } catch {
    return { code: 'threw', message: 'something that cannot be told', stack: '' }
  }
}

const isCode = (code: unknown): code is string => typeof code === 'string' && code.length <= CODE_MAX && CODE.test(code)

function stackOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack : undefined
  return typeof stack === 'string' ? stack.slice(0, STACK_MAX) : ''
}

/** Which of the engine's own limits it tells, by the only thing that tells them. */
function limitOf(thrown: unknown): keyof typeof ENGINE_LIMITS | undefined {
  if (thrown === null) return isMemoryFull() ? 'memory-limit' : undefined
  if (!(thrown instanceof Error)) return undefined
  const { name, message } = thrown
  if (name === 'RangeError' && message === 'Maximum call stack size exceeded') return 'stack-overflow'
  if (name !== 'InternalError') return undefined
  if (message === 'interrupted') return 'out-of-gas'
  return message === 'out of memory' ? 'memory-limit' : undefined
}

const cut = (text: string): string => (text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}…` : text)
