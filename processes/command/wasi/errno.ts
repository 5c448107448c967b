/** Error numbers of WASI preview 1. */
export const ERRNO = {
  success: 0,
  badDescriptor: 8,
  exists: 20,
  badSequence: 25,
  invalid: 28,
  isFolder: 31,
  tooManyDescriptors: 33,
  nameTooLong: 37,
  noEntry: 44,
  noSpace: 51,
  notSupported: 58,
  notFolder: 54,
  notEmpty: 55,
  illegalSeek: 70,
  notCapable: 76,
} as const

/**
 * A call fails in a way the program is told of: its result is this number. No Error: a program may have each of
 * its calls refused, and to note where in the host that was would take ten times what the call is charged.
 */
export class CallError {
  readonly errno: number
  readonly message: keyof typeof ERRNO

  constructor(errno: keyof typeof ERRNO) {
    this.errno = ERRNO[errno]
    this.message = errno
  }
}
