import { Failure, FAILURES, MalformedBytes, type Problem, problemOf } from '../protocol/index.ts'

/** A problem document with the id of its request, by which the log can be searched. */
export interface RequestProblem extends Problem {
  readonly request: string
}

const CAUSES_MAX = 8

/**
 * What a stranger may see of a failure. What this machine is to blame for shows its title and nothing else:
 * details and causes may name paths; they go to the log. Causes are told only where our own code wrote the words.
 */
export function publicProblem(error: unknown, request: string): RequestProblem {
  const failure = Failure.from(error)
  const problem = problemOf(failure)
  if (failure.blame === 'host') {
    return { ...problem, detail: FAILURES[failure.code].title, details: {}, causes: [], request }
  }
  return { ...problem, causes: publicCauses(failure), request }
}

function publicCauses(failure: Failure): string[] {
  const causes: string[] = []
  let cause = failure.cause
  while (causes.length < CAUSES_MAX && isOurs(cause)) {
    causes.push(cause.message)
    cause = cause.cause
  }
  return causes
}

function isOurs(error: unknown): error is MalformedBytes | Failure {
  return error instanceof MalformedBytes || (error instanceof Failure && error.blame !== 'host')
}
