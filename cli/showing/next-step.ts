import { type Failure, NEXT_STEPS } from '../../protocol/index.ts'

const known = new WeakMap<Failure, string>()

/** `failure`, with what to do next where a command knows more than its code tells. */
export function withNextStep(failure: Failure, step: string): Failure {
  known.set(failure, step)
  return failure
}

export const hasNextStep = (failure: Failure): boolean => known.has(failure)

/** One sentence: what to do after that failure. */
export function nextStepOf(failure: Failure): string {
  return known.get(failure) ?? NEXT_STEPS[failure.code]
}
