import { FRAME_SLOTS_MAX, HostFault, AGENT_MEMORY_MAX_PAGES } from '../../protocol/index.ts'
import { type GlobalType, GLOBAL_TYPES } from '../actor/engine-state.ts'
import { rewrite } from '../rewriter/index.ts'
import { holdPrelude, readEngine, readPrelude } from './built-files.ts'

/** The JavaScript engine, rewritten and compiled: the same for every agent. */
export interface Engine {
  readonly module: WebAssembly.Module
  /** Export names and types of its mutable globals, in order of their index. */
  readonly globals: readonly { readonly exportName: string; readonly type: GlobalType }[]
  /** Source of the program that runs before every agent's. */
  readonly prelude: Uint8Array
}

/** Functions of the host that the engine imports: all that a program can reach of the world outside. */
const IMPORTS: ReadonlySet<string> = new Set([
  'env.host_call',
  'env.host_get_timezone_offset',
  'env.host_interrupt',
  'env.host_module_load',
  'env.host_module_normalize',
  'env.host_promise_rejection',
  'wasi_snapshot_preview1.clock_time_get',
  'wasi_snapshot_preview1.fd_close',
  'wasi_snapshot_preview1.fd_fdstat_get',
  'wasi_snapshot_preview1.fd_seek',
  'wasi_snapshot_preview1.fd_write',
  'wasi_snapshot_preview1.random_get',
])

/** What `build.mjs` makes. */
const BUILT = new URL('build/', import.meta.url)

/** Only where this is a source a build may come between: bundles and packages have a prelude of their own. */
const heldPrelude = import.meta.url.endsWith('.ts') ? holdPrelude(BUILT) : () => readPrelude(BUILT)

let shared: Engine | undefined

/** The engine of this program; made when first asked for. @throws {HostFault} */
export function engine(): Engine {
  shared ??= makeEngine()
  return shared
}

function makeEngine(): Engine {
  const [original, prelude] = [readEngine(BUILT), heldPrelude()]
  try {
    const rewritten = rewrite(original, {
      imports: (module, name, kind) => kind === 'function' && IMPORTS.has(`${module}.${name}`),
      memoryPagesMax: AGENT_MEMORY_MAX_PAGES,
      frameSlotsMax: FRAME_SLOTS_MAX,
      trackDirty: true,
      // Its C library exports functions of floats; the host calls none of them.
      features: { floatBoundary: true },
    })
    const globals = rewritten.mutableGlobals.map(({ exportName, type }) => {
      const known = GLOBAL_TYPES.find(one => one === type)
      if (known === undefined) throw new Error(`expected a number in a global, got ${type}`)
      return { exportName, type: known }
    })
    return {
      module: new WebAssembly.Module(new Uint8Array(rewritten.bytes)),
      globals,
      prelude,
    }
  } catch (cause) {
    throw new HostFault('the engine of agents cannot be loaded', { cause })
  }
}
