/** What a program tells of an exception. */
export interface Told {
  readonly code: string
  readonly message: string
  readonly stack: string
}

/** How the code of a run stopped when it did not come back. */
export interface Trap {
  readonly code: 'out-of-gas' | 'stack-overflow' | 'memory-limit' | 'trap'
  readonly message: string
  /** Of the code that stopped, as the engine tells it; empty if it cannot. */
  readonly stack: string
}

/** Whether the function that `where` of the prelude stands on top of has called nothing yet: then its frame does not know where it is. */
export const hasCalledNothing = (stack: string): boolean => /^.*\n.* \(missing\)/.test(stack)

const TOP = /^ *at (.*)\bagent\.js:(\d+):(\d+)/m

/** Of two stacks of code at one moment the one on whose top the program stands later in the same function: each knows only something before that. */
export function laterOf(one: string, other: string): string {
  const [, inOne, line = '', column = ''] = TOP.exec(one) ?? []
  const [, inOther, otherLine = '', otherColumn = ''] = TOP.exec(other) ?? []
  if (inOne === undefined) return other
  const ahead = Number(otherLine) - Number(line) || Number(otherColumn) - Number(column)
  return inOne === inOther && ahead > 0 ? other : one
}
