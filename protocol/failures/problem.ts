import { Failure, type FailureCode, type FailureDetails, failureNumber, FAILURES } from './failure.ts'
import { NEXT_STEPS } from './next-steps.ts'

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: FailureCode
  readonly number: string
  readonly next: string
  readonly details: FailureDetails
  readonly causes: readonly string[]
}

/** The problem document of a failure; a bug shows nothing of its inside. */
export function problemOf(error: unknown): Problem {
  const failure = Failure.from(error)
  const { code, details, message: detail } = failure
  const { title, status } = FAILURES[code]
  const causes: string[] = []
  for (let cause = failure.cause; cause instanceof Error && causes.length < 8; cause = cause.cause) {
    if (code !== 'internal') causes.push(cause.message)
  }
  const type = `urn:atoll:failure:${code}`
  return { type, title, status, detail, code, number: failureNumber(code), next: NEXT_STEPS[code], details, causes }
}
