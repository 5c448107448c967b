import { equalBytes, toBase64Url } from '../codec/bytes.ts'
import { principalOf } from './ingress.ts'
import { asProcessId, type ProcessId } from '../ids.ts'
import type { Directory } from '../ports.ts'

/** A list of processes in order of their ids, read from after one of them: a directory, or the API of a node. */
export interface OrderedProcesses<T extends { readonly id: string }> {
  processes(page: { readonly after: ProcessId; readonly limit: number }): Promise<readonly T[]>
}

/** Whether a principal may name a process: others have the form of users, or of canisters elsewhere. */
export const mayNameProcess = (principal: Uint8Array): boolean => principal.length === 29 && principal[28] === 1

/** The process of a principal of the opaque class, among those that are listed. */
export async function findByPrincipal<T extends { readonly id: string }>(
  listed: OrderedProcesses<T>,
  principal: Uint8Array,
): Promise<T | undefined> {
  if (!mayNameProcess(principal)) return undefined
  const [found] = await listed.processes({ after: justBelow(principal.subarray(0, 28)), limit: 1 })
  return found !== undefined && equalBytes(principalOf(found.id), principal) ? found : undefined
}

/** The encoded envelope of slot 0 of that process. */
export async function canisterSpawn(
  directory: Pick<Directory, 'processes' | 'spawnEnvelope'>,
  principal: Uint8Array,
): Promise<Uint8Array | undefined> {
  const process = await findByPrincipal(directory, principal)
  return process && directory.spawnEnvelope(process.id)
}

/** The last id before those that begin with `head`. */
function justBelow(head: Uint8Array): ProcessId {
  const below = new Uint8Array(32)
  below.set(head)
  for (let at = 31; at >= 0; at--) {
    const byte = below[at] ?? 0
    below[at] = byte === 0 ? 0xff : byte - 1
    if (byte > 0) break
  }
  return asProcessId(toBase64Url(below))
}
