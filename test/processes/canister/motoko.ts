import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a program is compiled to: Motoko's own default is a heap with 64-bit addresses that outlives upgrades. */
export type MotokoKind = 'wasm64' | 'wasm32'

interface Compiler {
  readonly version: string
  loadPackage(text: unknown): void
  setPublicMetadata(names: readonly string[]): void
  write(path: string, content: string): void
  wasm(path: string, target: string): { wasm: Uint8Array; candid?: string }
  readonly compiler: { gcFlags(flag: string): void }
}

const require = createRequire(import.meta.url)

/** Compilers of one kind of heap each; made when they are first needed. */
const compilers = new Map<MotokoKind, Compiler>()

function compilerOf(kind: MotokoKind): Compiler {
  const known = compilers.get(kind)
  if (known !== undefined) return known
  const compiler = require('motoko') as Compiler
  if (compilers.size === 0) {
    compiler.loadPackage(require('motoko/packages/latest/core.json'))
    compiler.setPublicMetadata(['candid:service', 'candid:args'])
  }
  compilers.set(kind, compiler)
  return compiler
}

/** Flags of the heap stay set in the compiler: the 64-bit programs come first, or another process has compiled them. */
let isClassic = false

/** Compiles a program, or takes what an earlier run made of the same text. */
export function motoko(source: string, kind: MotokoKind = 'wasm64'): Uint8Array {
  const { version } = require('motoko/package.json') as { version: string }
  const name = createHash('sha256').update(`${version} ${kind} ${source}`).digest('hex')
  const folder = join(tmpdir(), 'atoll-motoko')
  const path = join(folder, `${name}.wasm`)
  try {
    return new Uint8Array(readFileSync(path))
  } catch {
    // Not made yet.
  }
  const wasm = compile(source, kind)
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${path}.${process.pid}`, wasm)
  renameSync(`${path}.${process.pid}`, path)
  return wasm
}

function compile(source: string, kind: MotokoKind): Uint8Array {
  const compiler = compilerOf(kind)
  if (kind === 'wasm32' && !isClassic) {
    compiler.compiler.gcFlags('classicOP')
    isClassic = true
  }
  if (kind === 'wasm64' && isClassic) throw new Error('compile what has 64-bit addresses first')
  compiler.write('program.mo', source)
  return new Uint8Array(compiler.wasm('program.mo', 'ic').wasm)
}
