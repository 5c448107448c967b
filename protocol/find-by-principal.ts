import { equalBytes, toBase64Url } from './bytes.ts'
import { principalOf } from './ic/ingress.ts'
import { asProcessId, type ProcessId } from './ids.ts'
import type { Directory } from './ports.ts'
import type { ProcessDescription } from './process.ts'

/** The process of a principal of the opaque class, among those that a directory knows. */
export async function findByPrincipal(
  directory: Pick<Directory, 'processes'>,
  principal: Uint8Array,
): Promise<ProcessDescription | undefined> {
  if (principal.length !== 29 || principal[28] !== 1) return undefined
  const [found] = await directory.processes({ after: justBelow(principal.subarray(0, 28)), limit: 1 })
  return found !== undefined && equalBytes(principalOf(found.id), principal) ? found : undefined
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

