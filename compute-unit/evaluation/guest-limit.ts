/** A guest asked for something beyond a limit: the slot fails, deterministically. */
export class GuestLimit extends Error {
  override readonly name = 'GuestLimit'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
