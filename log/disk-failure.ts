import { Failure } from '../protocol/index.ts'

const FULL = /ENOSPC|EDQUOT|no space left|disk quota/i
const LOCKED = /lock hold by current process|while lock file|resource temporarily unavailable/i

/** The failure behind an error of the disk or of a database on it. */
export function diskFailure(error: unknown, what: string): Failure {
  if (Failure.is(error)) return error
  const text = textOf(error)
  if (FULL.test(text)) return new Failure('disk-full', { what }, { cause: error })
  return new Failure('disk-fault', { what }, { cause: error })
}

/** Whether opening a database failed because somebody has it open. */
export function isLocked(error: unknown): boolean {
  return LOCKED.test(textOf(error))
}

function textOf(error: unknown): string {
  const texts: string[] = []
  for (let cause = error; cause instanceof Error && texts.length < 8; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : ''
    texts.push(`${code} ${cause.message}`)
  }
  return texts.join(' ')
}
