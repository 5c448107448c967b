/** A request that is answered with an HTTP status and a sentence, which clients show. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal'
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

/** A call that is refused before it has a slot, in the IC's codes. */
export class CallRefusal extends Error {
  override readonly name = 'CallRefusal'
  readonly code: number
  readonly error: string

  constructor(code: number, error: string, message: string) {
    super(message)
    this.code = code
    this.error = error
  }
}
