import { equalBytes } from '../../../protocol/index.ts'
import type { Visibility } from '../canister-settings.ts'
import type { Machine } from '../machine.ts'

/** Who may call a method, beside controllers: viewers of status, log and snapshots are as the settings say. */
export type Callers = 'controllers' | 'self' | 'status' | 'log' | 'snapshots' | 'anyone'

export function mayCall(callers: Callers, caller: Uint8Array, { state, names }: Machine): boolean {
  const { controllers, logVisibility, snapshotVisibility, statusVisibility } = state.settings
  if (controllers.some(one => equalBytes(one, caller))) return true
  switch (callers) {
    case 'anyone':
      return true
    case 'controllers':
      return false
    case 'self':
      return equalBytes(caller, names.self)
    case 'status':
      return equalBytes(caller, names.self) || maySee(statusVisibility, caller)
    case 'log':
      return maySee(logVisibility, caller)
    case 'snapshots':
      return maySee(snapshotVisibility, caller)
  }
}

const maySee = (who: Visibility, caller: Uint8Array): boolean =>
  who === 'public' || (typeof who !== 'string' && who.some(one => equalBytes(one, caller)))
