import { Failure } from '../protocol/index.ts'

/** What the system says of a file that a user named: no bug of ours. */
const CODES = new Set(['EACCES', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'])

/** The failure behind an error of the file system that no command took for itself; undefined if it is something else. */
export function fileFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return undefined
  const { code, path } = error
  if (typeof code !== 'string' || !CODES.has(code) || typeof path !== 'string') return undefined
  const note = code === 'EEXIST' ? 'the file is there already' : 'the file cannot be used'
  return new Failure('usage', { path }, { cause: error, note })
}
