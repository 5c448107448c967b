import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { equalBytes, Failure } from '../../protocol/index.ts'
import type { Terminal } from '../terminal.ts'

/** What the system says of a name that leads to no file: it may be the name of something else. */
const NO_FILE = new Set<unknown>(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'])

/** Reads a file that the user named, or standard input for `-`. @throws {Failure} `bad-file` */
export async function readUserFile(terminal: Terminal, path: string): Promise<Uint8Array> {
  if (path === '-') return terminal.readStdin()
  return new Uint8Array(await readFile(resolve(terminal.cwd, path)).catch(refuse(path)))
}

const WASM_MAGIC = new Uint8Array([0x00, 0x61, 0x73, 0x6d])
const GZIP_MAGIC = new Uint8Array([0x1f, 0x8b])

/** As `readUserFile`, of a WASM program, packed or not. @throws {Failure} `bad-file` if it is clearly none */
export async function readWasmFile(terminal: Terminal, path: string): Promise<Uint8Array> {
  const bytes = await readUserFile(terminal, path)
  const isWasm = [WASM_MAGIC, GZIP_MAGIC].some(magic => equalBytes(bytes.subarray(0, magic.length), magic))
  if (!isWasm) throw new Failure('bad-file', { path }, { note: 'it holds no WASM' })
  return bytes
}

/** What can only be meant as a file: a path from somewhere on, or a name as exported feeds have it. */
const CLEARLY_A_FILE = /^(?:\.{0,2}[\\/]|[a-z]:[\\/])|\.feed$/i

/** As `readUserFile`; undefined where there is no file of that name, and another thing may be meant. @throws {Failure} `bad-file` */
export async function readUserFileIfAny(terminal: Terminal, path: string): Promise<Uint8Array | undefined> {
  try {
    return await readUserFile(terminal, path)
  } catch (error) {
    if (error instanceof Failure && NO_FILE.has(codeOf(error.cause)) && !CLEARLY_A_FILE.test(path)) return undefined
    throw error
  }
}

/** Writes a file that the user named; `wx` writes over none. @throws {Failure} `bad-file`, `already-there` */
export async function writeUserFile(
  terminal: Terminal,
  path: string,
  bytes: Uint8Array,
  flag: 'w' | 'wx' = 'w',
): Promise<void> {
  await writeFile(resolve(terminal.cwd, path), bytes, { flag }).catch(refuse(path))
}

/** The failure behind what the system says of a path that a command took for itself; undefined if it is something else. */
export function fileFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('path' in error)) return undefined
  return typeof error.path === 'string' ? failureAt(error.path, error) : undefined
}

function refuse(path: string): (cause: unknown) => never {
  return cause => {
    throw failureAt(path, cause)
  }
}

function failureAt(path: string, cause: unknown): Failure {
  return new Failure(codeOf(cause) === 'EEXIST' ? 'already-there' : 'bad-file', { path }, { cause })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
