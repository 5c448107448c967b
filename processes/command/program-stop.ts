/** The stable words for a run that ended badly. */
export type StopCode =
  | 'bad-output'
  | 'bad-program'
  | 'bad-snapshot'
  | 'exit'
  | 'files-limit'
  | 'not-allowed'
  | 'out-of-gas'
  | 'output-limit'
  | 'stack-overflow'
  | 'trap'
  | 'unknown-action'

/** Ends a run with an error. Nothing in the program can catch it. */
export class ProgramStop extends Error {
  override readonly name = 'ProgramStop'
  /** One of the words above, or one the program chose. */
  readonly code: string

  constructor(code: StopCode, message: string)
  constructor(code: { readonly chosen: string }, message: string)
  constructor(code: StopCode | { readonly chosen: string }, message: string) {
    super(message)
    this.code = typeof code === 'string' ? code : code.chosen
  }
}

/** The program called `proc_exit`: an ending like coming back from its main function. */
export class ProgramExit extends Error {
  override readonly name = 'ProgramExit'
  readonly status: number

  constructor(status: number) {
    super(`exit ${status}`)
    this.status = status
  }
}

/** An argument of a host call points outside of memory: the same as if the program had gone there itself. */
export const badAddress = (): ProgramStop => new ProgramStop('trap', 'memory access out of bounds in a host call')
