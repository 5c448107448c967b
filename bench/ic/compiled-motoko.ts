import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A counter, the smallest canister that keeps something. */
export const COUNTER =
  'persistent actor { var n : Nat = 0; public func inc() : async Nat { n += 1; n }; public query func get() : async Nat { n } }'

const COMPILE = fileURLToPath(new URL('../../test/processes/canister/compile-motoko.mjs', import.meta.url))

/** A Motoko program, by what the tests compile with: it has both kinds of heap. */
export async function compiledMotoko(program: string, kind: 'wasm32' | 'wasm64'): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-motoko-'))
  try {
    const path = join(folder, 'program.wasm')
    execFileSync(process.execPath, [COMPILE, kind, path], { input: program })
    return new Uint8Array(await readFile(path))
  } finally {
    await rm(folder, { recursive: true })
  }
}
