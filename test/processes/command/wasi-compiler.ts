import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve('.cache/wasi-toolchain')

/** Whether scripts/fetch-wasi-toolchain.mjs has brought a compiler. */
export const hasCompiler =
  existsSync(join(ROOT, 'usr/share')) && globSync(join(ROOT, 'usr/lib/llvm-*/bin/clang')).length > 0

/** Compiles a C program for WASI. */
export async function compileC(source: string): Promise<Uint8Array> {
  const [bin = ''] = globSync(join(ROOT, 'usr/lib/llvm-*/bin'))
  const libraries = [join(bin, '../lib'), ...globSync(join(ROOT, 'usr/lib/*-linux-gnu'))]
  const folder = await mkdtemp(join(tmpdir(), 'wasi-c-'))
  try {
    const output = join(folder, 'program.wasm')
    const flags = ['--target=wasm32-wasi', `--sysroot=${join(ROOT, 'usr')}`, '-O2', '-s', '-Wall', '-Werror', '-lm']
    execFileSync(join(bin, 'clang'), [source, ...flags, '-o', output], {
      env: { PATH: `${bin}:${join(ROOT, 'usr/bin')}`, LD_LIBRARY_PATH: libraries.join(':') },
    })
    return new Uint8Array(await readFile(output))
  } finally {
    await rm(folder, { recursive: true })
  }
}
