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

/** A call fails in a way the program is told of: its result is this number. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly errno: number

  constructor(errno: keyof typeof ERRNO) {
    super(errno)
    this.errno = ERRNO[errno]
  }
}
