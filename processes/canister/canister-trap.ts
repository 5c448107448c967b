/** Codes of rejects, as the IC numbers them. */
export const REJECT = { fatal: 1, transient: 2, destination: 3, canister: 4, error: 5, unknown: 6 } as const

/** An answer that is no reply: what it says, and the IC's code for why. */
export interface Reject {
  readonly code: number
  /** `IC0503` and the like. */
  readonly error: string
  readonly message: string
}

/** Ends an execution of canister code: nothing of it stands. Deterministic. */
export class CanisterTrap extends Error {
  override readonly name = 'CanisterTrap'
  /** The IC's code: `IC0502` and the like. */
  readonly error: string

  constructor(message: string, error = 'IC0502') {
    super(error === 'IC0504' ? `Canister violated contract: ${message}` : message)
    this.error = error
  }
}

/** A request that is answered with a reject, whoever made it. */
export class Rejected extends Error {
  override readonly name = 'Rejected'
  readonly reject: Reject

  constructor(error: string, message: string, code: number = Number(error.charAt(3))) {
    super(message)
    this.reject = { code, error, message }
  }

  static of({ code, error, message }: Reject): Rejected {
    return new Rejected(error, message, code)
  }
}
