import type { EffectFailed, ProcessId } from '../../protocol/index.ts'

/** What an operator is told of an effect that failed: nothing that only its process or the other side should know. */
export interface FailedEffect {
  readonly effect: string
  readonly process: ProcessId
  /** That of `EffectFailed`. */
  readonly code: string
  /** Name or address of the other side, and its port. */
  readonly host: string | undefined
  /** The number by which the other side said no. */
  readonly status: number | undefined
  /** The system's word for what went wrong, such as `ECONNREFUSED`. */
  readonly reason: string | undefined
}

/** Characters of a name that a process chose. */
const SHOWN_MAX_CHARACTERS = 256
const SYSTEM_WORD = /^[A-Z][A-Z0-9_]{1,63}$/
const CAUSES_MAX = 4

export function failedEffect(
  asked: { readonly effect: string; readonly process: ProcessId; readonly host?: string },
  error: EffectFailed,
): FailedEffect {
  return {
    effect: asked.effect.slice(0, SHOWN_MAX_CHARACTERS),
    process: asked.process,
    code: error.code,
    host: asked.host?.slice(0, SHOWN_MAX_CHARACTERS),
    status: error.status,
    reason: systemWord(error.cause),
  }
}

function systemWord(cause: unknown): string | undefined {
  let at = cause
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth++) {
    if ('code' in at && typeof at.code === 'string' && SYSTEM_WORD.test(at.code)) return at.code
    at = at.cause
  }
  return undefined
}
