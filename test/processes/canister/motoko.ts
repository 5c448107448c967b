import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a program is compiled to: Motoko's own default is a heap with 64-bit addresses that outlives upgrades. */
export type MotokoKind = 'wasm64' | 'wasm32'

const require = createRequire(import.meta.url)
const COMPILE = fileURLToPath(new URL('./compile-motoko.mjs', import.meta.url))

/** Compiles a program, or takes what an earlier run made of the same text. */
export function motoko(source: string, kind: MotokoKind = 'wasm64'): Uint8Array {
  const { version } = require('motoko/package.json') as { version: string }
  const name = createHash('sha256').update(`${version} ${kind} ${source}`).digest('hex')
  const folder = join(tmpdir(), 'atoll-motoko')
  const path = join(folder, `${name}.wasm`)
  try {
    return new Uint8Array(readFileSync(path))
  } catch {
    mkdirSync(folder, { recursive: true })
    const made = `${path}.${process.pid}`
    execFileSync(process.execPath, [COMPILE, kind, made], { input: source })
    renameSync(made, path)
    return new Uint8Array(readFileSync(path))
  }
}
