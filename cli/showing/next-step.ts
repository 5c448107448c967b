import { type Failure, NEXT_STEPS } from '../../protocol/index.ts'
import type { Terminal } from '../terminal.ts'
import { commandName } from './words-to-type.ts'

const known = new WeakMap<Failure, string>()

/** `failure`, with what to do next where a command knows more than its code tells. */
export function withNextStep(failure: Failure, step: string): Failure {
  known.set(failure, step)
  return failure
}

export const hasNextStep = (failure: Failure): boolean => known.has(failure)

/** One sentence: what to do after that failure, with commands as they are typed in that terminal. */
export function nextStepOf(failure: Failure, terminal: Terminal): string {
  return (known.get(failure) ?? NEXT_STEPS[failure.code]).replaceAll(COMMAND, `${commandName({ terminal })} `)
}

/** How commands begin in every text that is written for no terminal in particular. */
const COMMAND = /\batoll (?=[a-z<-])/g
