import {
  concatBytes,
  Failure,
  FRAME_SLOTS_MAX,
  findTag,
  HostFault,
  MEMORY_MAX_PAGES,
  type ModuleDescription,
} from '../../protocol/index.ts'
import { compileRewritten, globalExport, ModuleRefused, type RewrittenModule, rewrite } from '../rewriter/index.ts'
import {
  customSection,
  exportingModule,
  GUEST_OPTIONAL,
  GUEST_REQUIRED,
  HOST_FUNCTIONS,
  HOST_MODULE,
  importingModule,
} from './abi.ts'
import { GLOBAL_TYPES } from './engine-state.ts'
import { ActorFactory, InitializeFailed } from './factory.ts'
import { CHANGED_CHUNK_COST, SCRATCH_CHUNK_COST } from './host-costs.ts'
import type { CompiledModule } from './instance.ts'
import { keptGlobalsModule } from './kept-globals-code.ts'

/** Names the section of a prepared module that tells its mutable globals: index and type of each. */
const GLOBALS_SECTION = 'atoll:globals'

/** Rewrites a module, and checks all that could fail later. @throws {Failure} `module-refused` */
export function prepareActor(module: ModuleDescription): Uint8Array {
  const rewritten = rewriteActor(module.wasm)
  const prepared = concatBytes(rewritten.bytes, describeGlobals(rewritten))
  const compiled = compileActor(prepared, false)
  checkLinks(compiled.module)
  try {
    new ActorFactory(compiled, false).close()
  } catch (cause) {
    if (!(cause instanceof InitializeFailed)) throw cause
    throw refused('initialize', `${cause.code}: ${cause.message}`, cause)
  }
  return prepared
}

/** Compiles what `prepareActor` made. @throws {HostFault} */
export function loadActor(prepared: Uint8Array, module: ModuleDescription): ActorFactory {
  const scratch = isScratch(module)
  return new ActorFactory(compileActor(prepared, scratch), scratch)
}

/** Whether a module keeps its state in cells only: its memory is set back after each slot. */
function isScratch(module: ModuleDescription): boolean {
  return findTag(module.tags, 'Actor-Memory') === 'scratch'
}

function rewriteActor(wasm: Uint8Array): RewrittenModule {
  let rewritten: RewrittenModule
  try {
    rewritten = rewrite(wasm, {
      imports: (module, name, kind) =>
        module === HOST_MODULE && kind === 'function' && Object.hasOwn(HOST_FUNCTIONS, name),
      memoryPagesMax: MEMORY_MAX_PAGES,
      frameSlotsMax: FRAME_SLOTS_MAX,
      trackDirty: true,
    })
  } catch (error) {
    if (error instanceof ModuleRefused) throw refused(error.reason, error.message, error)
    throw error
  }
  if (!rewritten.hasMemory || rewritten.memory64 || rewritten.memoryImported) {
    throw refused('memory', 'an actor has one memory of its own with 32-bit addresses')
  }
  return rewritten
}

function describeGlobals({ mutableGlobals }: RewrittenModule): Uint8Array {
  const entries = mutableGlobals.map(({ exportName, type }) => {
    const code = (GLOBAL_TYPES as readonly string[]).indexOf(type)
    if (code < 0) throw refused('unsaved-global', `a mutable global of type ${type}`)
    const index = Number(exportName.slice(globalExport(0).length - 1))
    return [index & 0xff, index >> 8, code]
  })
  return Uint8Array.from(customSection(GLOBALS_SECTION, Uint8Array.from(entries.flat())))
}

function compileActor(prepared: Uint8Array, scratch: boolean): CompiledModule {
  const module = compileRewritten(prepared)
  const globals = readGlobalsSection(module)
  return {
    module,
    globals,
    keptGlobals: compileRewritten(keptGlobalsModule(globals.map(({ type }) => type))),
    chunkCost: scratch ? SCRATCH_CHUNK_COST : CHANGED_CHUNK_COST,
    frameSlotsMax: FRAME_SLOTS_MAX,
  }
}

function readGlobalsSection(module: WebAssembly.Module): CompiledModule['globals'] {
  const [section] = WebAssembly.Module.customSections(module, GLOBALS_SECTION)
  if (section === undefined) throw new Error('expected a list of globals')
  const bytes = new Uint8Array(section)
  const globals: CompiledModule['globals'][number][] = []
  for (let at = 0; at < bytes.length; at += 3) {
    const index = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
    const type = GLOBAL_TYPES[bytes[at + 2] ?? 0] ?? 'i32'
    globals.push({ exportName: globalExport(index), type })
  }
  return globals
}

/** Lets the engine compare the types of imports and exports with those of the ABI. */
function checkLinks(module: WebAssembly.Module): void {
  const stubs = new WebAssembly.Instance(new WebAssembly.Module(exporting(HOST_FUNCTIONS)))
  let exports: WebAssembly.Exports
  try {
    exports = new WebAssembly.Instance(module, { [HOST_MODULE]: stubs.exports }).exports
  } catch (cause) {
    if (!(cause instanceof WebAssembly.LinkError)) throw new HostFault('no instance', { cause })
    throw refused('import-type', 'an import has other types than the ABI', cause)
  }
  const present = Object.entries(GUEST_OPTIONAL).filter(([name]) => exports[name] !== undefined)
  for (const [name, signature] of [...Object.entries(GUEST_REQUIRED), ...present]) {
    try {
      const checker = new WebAssembly.Module(new Uint8Array(importingModule({ [name]: signature })))
      new WebAssembly.Instance(checker, {
        [HOST_MODULE]: { [name]: exports[name] },
      } as WebAssembly.Imports)
    } catch (cause) {
      throw refused('export-type', `an actor exports the function ${name}(${signature})`, cause)
    }
  }
}

const exporting = (functions: Readonly<Record<string, string>>) => new Uint8Array(exportingModule(functions))

function refused(rule: string, note: string, cause?: unknown): Failure {
  return new Failure('module-refused', { rule }, cause === undefined ? { note } : { note, cause })
}
