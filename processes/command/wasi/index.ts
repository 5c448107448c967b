import { costOf } from './call-costs.ts'
import { DESCRIPTOR_CALLS } from './descriptor-calls.ts'
import { answer, type CallArgument, type WasiCall, type WasiHost } from './host.ts'
import { PATH_CALLS } from './path-calls.ts'
import { SYSTEM_CALLS } from './system-calls.ts'

/** All of WASI preview 1. */
export const WASI_CALLS: Readonly<Record<string, WasiCall>> = {
  ...SYSTEM_CALLS,
  ...DESCRIPTOR_CALLS,
  ...PATH_CALLS,
}

/** The name under which programs import WASI. */
export const WASI_MODULE = 'wasi_snapshot_preview1'

/** The imports of one run; each call is charged before it acts. */
export function wasiImports(host: WasiHost): WebAssembly.Imports {
  const functions: Record<string, (...args: CallArgument[]) => number> = {}
  for (const [name, call] of Object.entries(WASI_CALLS)) {
    functions[name] = (...args) => {
      host.charge(costOf(name, args, host.memory))
      return answer(call, host, args)
    }
  }
  return { [WASI_MODULE]: functions }
}
