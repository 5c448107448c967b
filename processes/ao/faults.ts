/** What ends a guest's run from inside a host import: it becomes the slot's error. */
export type FaultCode = 'abort' | 'exit' | 'out-of-gas' | 'trap'

/**
 * Thrown through guest frames by a host import. Unlike a longjmp nothing in the guest can catch it.
 */
export class GuestFault extends Error {
  override readonly name = 'GuestFault'
  readonly code: FaultCode

  constructor(code: FaultCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Stands for a longjmp on its way up. No Error: taking a stack trace is slow. */
export const LONGJMP: object = Object.freeze({ longjmp: true })
