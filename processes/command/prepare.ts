import { createRequire } from 'node:module'
import {
  concatBytes,
  Failure,
  FRAME_SLOTS_MAX,
  findTag,
  type GuestFactory,
  HostFault,
  MEMORY_MAX_PAGES,
  MODULE_SIZE_MAX_BYTES,
  type ModuleDescription,
} from '../../protocol/index.ts'
import { exportingModule, importingModule } from '../actor/abi.ts'
import { compileRewritten, ModuleRefused, rewrite } from '../rewriter/index.ts'
import { CommandGuest } from './guest.ts'
import { DirectEngine } from './program.ts'
import { BadSetting, type CommandSettings, readSettings } from './settings.ts'
import { WASI_CALLS, WASI_MODULE } from './wasi/index.ts'
import { WasmerEngine } from './wasmer/engine.ts'
import { WASIX_MODULE, WASIX_TYPES } from './wasmer/wasix-calls.ts'

/** CPython has 26 MB, 24,171 data segments, and custom sections of its own. */
const LIMITS = {
  moduleSizeMaxBytes: MODULE_SIZE_MAX_BYTES,
  customSectionsMaxBytes: MODULE_SIZE_MAX_BYTES,
  segmentsMax: 50_000,
  // Go writes one into each function, with a target for each call: a program of 3 MB has 70,000 entries, one of 11 MB 250,000.
  brTableEntriesTotalMax: 1_048_576,
  brTableValuesTotalMax: 16_777_216,
}
/** Gas of a new instance, and for each byte of the program: its data is copied, its tables are filled. */
const START_COST = 200_000
const START_BYTE_COST = 0.25

/** Validates and rewrites a program. @throws {Failure} `module-refused` */
export function prepareCommand(module: ModuleDescription): Uint8Array {
  try {
    readSettings(module)
  } catch (error) {
    if (error instanceof BadSetting) throw refused('bad-tag', error.message)
    throw error
  }
  if (usesWasmer(module)) requireWasmer()
  const allowed = importsFor(module)
  const prepared = rewriteProgram(module.wasm, allowed)
  checkLinks(compileRewritten(prepared), allowed)
  return prepared
}

/** Types of the functions a program may import, by module and name. */
type Allowed = Readonly<Record<string, Readonly<Record<string, string>>>>

const WASI_TYPES = Object.fromEntries(Object.entries(WASI_CALLS).map(([name, { type }]) => [name, type]))

const usesWasmer = (module: ModuleDescription): boolean => findTag(module.tags, 'Command-Engine') === 'wasmer'

/** Where there is no Wasmer there is no result, instead of another one. @throws {Failure} `unsupported-format` */
function requireWasmer(): void {
  // The global: importing node:process looks at stdin, and then the pipe of a host no longer waits.
  const { permission } = globalThis.process as { permission?: { has(scope: string): boolean } }
  if (permission?.has('worker') === false) throw noWasmer('the setting wasmer is off')
  try {
    createRequire(import.meta.url).resolve('@wasmer/sdk/node')
  } catch {
    throw noWasmer('the package @wasmer/sdk is not installed')
  }
}

const noWasmer = (note: string): Failure => new Failure('unsupported-format', { engine: 'wasmer' }, { note })

function importsFor(module: ModuleDescription): Allowed {
  if (!usesWasmer(module)) return { [WASI_MODULE]: WASI_TYPES }
  return { [WASI_MODULE]: WASI_TYPES, [WASIX_MODULE]: { ...WASI_TYPES, ...WASIX_TYPES } }
}

function rewriteProgram(wasm: Uint8Array, allowed: Allowed): Uint8Array {
  let unknown: string | undefined
  try {
    const rewritten = rewrite(wasm, {
      imports: (from, name, kind) => {
        if (kind === 'function' && isOwn(allowed, from) && isOwn(allowed[from], name)) return true
        unknown ??= `${from}.${name}`
        return false
      },
      memoryPagesMax: MEMORY_MAX_PAGES,
      frameSlotsMax: FRAME_SLOTS_MAX,
      trackDirty: false,
      // An instance lives for one run, and no state of it is kept.
      features: { tableMutation: true, memoryInit: true, floatBoundary: true, vectorGlobals: true },
      limits: LIMITS,
    })
    if (!rewritten.hasMemory || rewritten.memory64 || rewritten.memoryImported) {
      throw refused('memory', 'a program has one memory of its own with 32-bit addresses')
    }
    return rewritten.bytes
  } catch (error) {
    if (!(error instanceof ModuleRefused)) throw error
    const details = unknown === undefined ? {} : { import: unknown }
    throw new Failure('module-refused', { rule: error.reason, ...details }, { cause: error, note: error.message })
  }
}

/** Lets the engine compare the types of imports and of `_start` with those of WASI. */
function checkLinks(module: WebAssembly.Module, allowed: Allowed): void {
  const stubs = Object.entries(allowed).map(([from, types]) => [from, instantiate(exportingModule(types), {})])
  let exports: WebAssembly.Exports
  try {
    exports = new WebAssembly.Instance(module, Object.fromEntries(stubs) as WebAssembly.Imports).exports
  } catch (cause) {
    if (cause instanceof WebAssembly.LinkError)
      throw refused('import-type', 'an import has another type than WASI says', cause)
    if (cause instanceof WebAssembly.RuntimeError)
      throw refused('initialize', 'a data or element segment does not fit', cause)
    throw new HostFault('no instance', { cause })
  }
  try {
    instantiate(importingModule({ _start: '>' }), { atoll: { _start: exports['_start'] } })
  } catch (cause) {
    throw refused('export-type', 'a program exports the function _start, which takes and gives nothing', cause)
  }
}

const instantiate = (bytes: Uint8Array, imports: Record<string, Record<string, unknown>>) =>
  new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), imports as WebAssembly.Imports).exports

/** Compiles what `prepareCommand` made. @throws {HostFault} */
export function loadCommand(prepared: Uint8Array, module: ModuleDescription): GuestFactory {
  const engine = usesWasmer(module)
    ? new WasmerEngine(prepared, startCost(prepared))
    : new DirectEngine(compileRewritten(prepared), startCost(prepared))
  return {
    image: { pages: 0, chunks: new Map(), engine: concatBytes() },
    open: spawned => new CommandGuest({ process: spawned, engine, settings: settingsOf(module, spawned) }),
    close: () => engine.close(),
  }
}

/** A process with senseless tags exists all the same: each of its slots ends in the same error. */
function settingsOf(...of: Parameters<typeof readSettings>): CommandSettings | string {
  try {
    return readSettings(...of)
  } catch (error) {
    if (error instanceof BadSetting) return error.message
    throw error
  }
}

const isOwn = <T extends object>(object: T | undefined, name: PropertyKey): name is keyof T =>
  object !== undefined && Object.hasOwn(object, name)

const startCost = (prepared: Uint8Array): number => START_COST + Math.ceil(START_BYTE_COST * prepared.length)

const refused = (rule: string, note: string, cause?: unknown): Failure =>
  new Failure('module-refused', { rule }, cause === undefined ? { note } : { note, cause })
