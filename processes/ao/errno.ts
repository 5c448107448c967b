/** Error numbers of emscripten's C library, which are WASI's. */
export const ERRNO = {
  badDescriptor: 8,
  exists: 20,
  invalid: 28,
  isDirectory: 31,
  tooManyFiles: 33,
  noDevice: 43,
  noEntry: 44,
  noSpace: 51,
  notSupported: 52,
  notDirectory: 54,
  notEmpty: 55,
  notTerminal: 59,
  notPermitted: 63,
  range: 68,
  illegalSeek: 70,
} as const

/** A file operation failed; its system call gives the number to the guest. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly errno: number

  constructor(errno: number) {
    super(`errno ${errno}`)
    this.errno = errno
  }
}
