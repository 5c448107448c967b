import { stat } from 'node:fs/promises'
import { Failure } from '../protocol/index.ts'

/** What a link leads to is what counts. @throws {Failure} `open-keys` if others than its owner can read or write what is at `path` */
export async function refuseOpen(path: string, mode = 0o600): Promise<void> {
  if (process.platform === 'win32') return
  const found = (await stat(path)).mode & 0o777
  if ((found & ~mode) === 0) return
  throw new Failure('open-keys', { path, mode: found.toString(8), expected: mode.toString(8) })
}
