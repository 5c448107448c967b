import { type CellKey, fromUtf8, MalformedBytes, type Operations, WAIT_DEFAULT_MS } from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { knownProcess } from './processes.ts'

/** What a process is, was and could become. */
export function lifecycleOperations(
  parts: OperationParts,
): Pick<Operations, 'lifecycle' | 'state' | 'timers' | 'checkUpgrade'> {
  const { computer } = parts
  return {
    async lifecycle({ process }) {
      await knownProcess(parts, process)
      return { process, ...(await computer.lifecycle(process)) }
    },
    async state({ process, at, wait_ms = WAIT_DEFAULT_MS }, { signal }) {
      await knownProcess(parts, process)
      const { document, ...facts } = await computer.state(process, at, {
        signal,
        timeoutMs: wait_ms,
      })
      return { process, ...facts, document: JSON.parse(fromUtf8(document)) }
    },
    async timers({ process }) {
      await knownProcess(parts, process)
      const timers = await computer.timers(process)
      return {
        process,
        timers: timers.map(({ key, dueMs, everyMs }) => ({ ...namesOf(key), dueMs, everyMs })),
      }
    },
    async checkUpgrade({ process, module, pending = 'wait', replay = 0, wait_ms = WAIT_DEFAULT_MS }, { signal }) {
      await knownProcess(parts, process)
      const wish = { module, pending, replay }
      const check = await computer.checkUpgrade(process, wish, { signal, timeoutMs: wait_ms })
      return { process, ...check }
    },
  }
}

/** The key of a timer as bytes, and as text where it is text. */
function namesOf(key: CellKey): { key: Uint8Array; name: string | undefined } {
  const bytes = Uint8Array.from(key, character => character.charCodeAt(0))
  try {
    return { key: bytes, name: fromUtf8(bytes) }
  } catch (error) {
    if (error instanceof MalformedBytes) return { key: bytes, name: undefined }
    throw error
  }
}
