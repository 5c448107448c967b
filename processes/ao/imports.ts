import { FILE_IMPORTS } from './file-imports.ts'
import type { AoFormat } from './formats.ts'
import type { AoHost, ImportRow, ImportTable } from './host.ts'
import { SYSTEM_IMPORTS } from './system-imports.ts'
import { TIME_IMPORTS } from './time-imports.ts'
import { isInvoke, makeInvoke, type RawWord, type UnwindPoint } from './unwind.ts'

const IMPORTS: ReadonlyMap<string, ImportRow> = new Map(
  [SYSTEM_IMPORTS, TIME_IMPORTS, FILE_IMPORTS].flatMap((table: ImportTable) => Object.entries(table)),
)

const MODULES: ReadonlySet<string> = new Set(['env', 'wasi_snapshot_preview1', 'metering'])

/** What an import is called when its format names things by letters. */
function plainName(format: AoFormat, module: string, name: string): string | undefined {
  if (module === format.letters?.importModule) return format.letters.imports.get(name)
  return MODULES.has(module) ? name : undefined
}

/** Tells whether a module of this format may import a function of that name. */
export function isKnownImport(format: AoFormat, module: string, name: string): boolean {
  const plain = plainName(format, module, name)
  return plain !== undefined && (IMPORTS.has(plain) || isInvoke(plain))
}

/** The import object of one instance, with no more than its module asks for. */
export function makeImports(
  descriptors: readonly { readonly module: string; readonly name: string }[],
  format: AoFormat,
  host: AoHost,
  unwind: () => UnwindPoint,
): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {}
  for (const { module, name } of descriptors) {
    const plain = plainName(format, module, name) ?? name
    const row = IMPORTS.get(plain)
    imports[module] ??= {}
    imports[module][name] = row === undefined ? makeInvoke(plain, unwind) : bindImport(row, host)
  }
  return imports
}

function bindImport(row: ImportRow, host: AoHost): (...args: RawWord[]) => RawWord | undefined {
  const { run, gives } = row
  if (host.format.addressBits === 32) return (...args) => run(host, ...args.map(Number))
  if (gives === 'number') return (...args) => run(host, ...args.map(Number))
  return (...args) => BigInt(run(host, ...args.map(Number)) ?? 0)
}
