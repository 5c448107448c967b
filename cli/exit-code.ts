import type { Failure, FailureCode } from '../protocol/index.ts'

/** What the exit code of `atoll` says. */
export const EXIT = {
  ok: 0,
  /** The process answered with an error, or something else failed. */
  failed: 1,
  usage: 2,
  unreachable: 3,
  timeout: 4,
  permission: 5,
  verification: 6,
  interrupted: 130,
} as const

const BY_CODE: Partial<Record<FailureCode, number>> = {
  usage: EXIT.usage,
  'bad-config': EXIT.usage,
  'ambiguous-name': EXIT.usage,
  'bad-input': EXIT.usage,
  unreachable: EXIT.unreachable,
  'shutting-down': EXIT.unreachable,
  timeout: EXIT.timeout,
  aborted: EXIT.interrupted,
  'verification-failed': EXIT.verification,
  'open-keys': EXIT.permission,
  'unsupported-key': EXIT.permission,
}

/** The exit code of a failure: by its code, else by who is to blame. */
export function exitCodeOf(failure: Failure): number {
  return BY_CODE[failure.code] ?? (failure.blame === 'trust' ? EXIT.permission : EXIT.failed)
}
