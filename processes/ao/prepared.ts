import {
  CborReader,
  CborWriter,
  Failure,
  MalformedBytes,
  MEMORY_MAX_PAGES,
  FRAME_SLOTS_MAX,
  findTag,
  type ModuleDescription,
} from '../../protocol/index.ts'
import { ModuleRefused, rewrite, type RewrittenModule } from '../rewriter/index.ts'
import { type AoFormat, AO_FORMATS, findFormat } from './formats.ts'
import { isKnownImport } from './imports.ts'

/** A module as `load` needs it: what `prepare` made of it. */
export interface PreparedModule {
  readonly wasm: Uint8Array
  readonly addressBits: 32 | 64
  /** Mutable globals in order of their index. */
  readonly globals: readonly { readonly exportName: string; readonly type: string }[]
  readonly hasStart: boolean
}

const MAGIC = 'atoll/ao/1'
const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }
const PAGE_BYTES = 65_536

/** The format of a module. @throws {Failure} `unsupported-format` */
export function formatOf(module: ModuleDescription): AoFormat {
  const format = findFormat(module.format)
  if (format === undefined) throw new Failure('unsupported-format', { format: module.format, formats: AO_FORMATS })
  return format
}

/** Pages a module may use: the network's bound, or less if its Memory-Limit (`1-gb`) says so. */
function memoryPagesMax(module: ModuleDescription): number {
  const limit = /^(\d{1,12})-(b|kb|mb|gb)$/i.exec(findTag(module.tags, 'Memory-Limit') ?? '')
  if (limit === null) return MEMORY_MAX_PAGES
  const bytes = Number(limit[1]) * (UNITS[limit[2]?.toLowerCase() ?? ''] ?? 1)
  return Math.min(MEMORY_MAX_PAGES, Math.max(1, Math.floor(bytes / PAGE_BYTES)))
}

/** Validates and rewrites a module. @throws {Failure} `module-refused`, `unsupported-format` */
export function prepareModule(module: ModuleDescription): Uint8Array {
  const format = formatOf(module)
  const rewritten = rewriteModule(module, format)
  if (!rewritten.hasMemory || rewritten.memoryImported) throw refused('memory', 'it must have a memory of its own')
  if (rewritten.memory64 !== (format.addressBits === 64))
    throw refused('format', `its memory is not one of ${format.name}`)
  const exported = new Set(rewritten.exports.map(({ name }) => format.letters?.exports.get(name) ?? name))
  for (const name of ['handle', '__wasm_call_ctors', 'malloc']) {
    if (!exported.has(name)) throw refused('missing-export', `it does not export ${name}`)
  }
  for (const { type } of rewritten.mutableGlobals) {
    if (type !== 'i32' && type !== 'i64') throw refused('unsaved-global', `it has a mutable global of type ${type}`)
  }
  return encodePrepared(rewritten)
}

function rewriteModule(module: ModuleDescription, format: AoFormat): RewrittenModule {
  let unknown: string | undefined
  try {
    return rewrite(module.wasm, {
      imports: (from, name, kind) => {
        if (kind === 'function' && isKnownImport(format, from, name)) return true
        unknown = `${from}.${name}`
        return false
      },
      memoryPagesMax: memoryPagesMax(module),
      frameSlotsMax: FRAME_SLOTS_MAX,
      trackDirty: true,
      // Emscripten exports call-backs for signatures with floats; the host never looks at those.
      features: { floatBoundary: true },
    })
  } catch (error) {
    if (!(error instanceof ModuleRefused)) throw error
    const details = unknown === undefined ? {} : { import: unknown }
    throw new Failure('module-refused', { rule: error.reason, ...details }, { cause: error, note: error.message })
  }
}

const refused = (rule: string, note: string): Failure => new Failure('module-refused', { rule }, { note })

function encodePrepared(module: RewrittenModule): Uint8Array {
  const writer = new CborWriter()
  writer.array(5)
  writer.text(MAGIC)
  writer.uint(module.memory64 ? 64 : 32)
  writer.uint(module.hasStart ? 1 : 0)
  writer.array(module.mutableGlobals.length * 2)
  for (const { exportName, type } of module.mutableGlobals) {
    writer.text(exportName)
    writer.text(type)
  }
  writer.bytes(module.bytes)
  return writer.finish()
}

/** Reads what `prepareModule` made. @throws {MalformedBytes} */
export function decodePrepared(bytes: Uint8Array): PreparedModule {
  const reader = new CborReader(bytes)
  if (reader.array() !== 5 || reader.text() !== MAGIC) throw new MalformedBytes('expected a prepared ao module', 0)
  const addressBits = reader.uint() === 64 ? 64 : 32
  const hasStart = reader.uint() === 1
  const parts = reader.array()
  const globals: { exportName: string; type: string }[] = []
  for (let index = 0; index < parts; index += 2) globals.push({ exportName: reader.text(), type: reader.text() })
  const wasm = reader.bytes()
  reader.end()
  return { wasm, addressBits, globals, hasStart }
}
