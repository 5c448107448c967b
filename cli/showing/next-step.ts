import { type Failure, nextStepAfter } from '../../protocol/index.ts'
import type { Terminal } from '../terminal.ts'
import { commandName } from './words-to-type.ts'

/** One sentence; made of the words that begin a command, where it names one of ours. */
type Step = string | ((command: string) => string)

const known = new WeakMap<Failure, Step>()

/** `failure`, with what to do next where a command knows more than its code tells. */
export function withNextStep(failure: Failure, step: Step): Failure {
  known.set(failure, step)
  return failure
}

export const hasNextStep = (failure: Failure): boolean => known.has(failure)

/** One sentence: what to do after that failure, with commands as they are typed in that terminal. */
export function nextStepOf(failure: Failure, terminal: Terminal): string {
  const command = commandName({ terminal })
  const step = known.get(failure)
  return typeof step === 'function' ? step(command) : (step ?? nextStepAfter(failure.code, command))
}
