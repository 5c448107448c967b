import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canisterRuntime } from '../../../processes/index.ts'
import { CanisterFactory } from '../../../processes/canister/factory.ts'
import { asModuleId, candidFields, candidRecord, concatBytes, toUtf8 } from '../../../protocol/index.ts'
import { wat } from '../rewriter/wat.ts'
import { BLOB, CanisterNet, installMode, NOTHING } from './canister-net.ts'

const EMPTY = wat('(module)')

const exporting = (names: readonly string[]): Uint8Array =>
  wat(`(module (func $nothing) ${names.map(name => `(export "canister_query ${name}" (func $nothing))`).join(' ')})`)

/** The empty module with metadata sections of so many bytes, each below 128 bytes or 2 MiB. */
const telling = (sizes: readonly number[]): Uint8Array =>
  concatBytes(
    EMPTY,
    ...sizes.map((size, index) => {
      const name = toUtf8(`icp:public ${index}`)
      const length = 1 + name.length + size
      const leb = Uint8Array.of((length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14)
      return concatBytes(Uint8Array.of(0), leb, Uint8Array.of(name.length), name, new Uint8Array(size))
    }),
  )

const numbered = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, index) => String(index).padStart(length, 'm'))

const BEYOND: readonly (readonly [what: string, wasm: Uint8Array])[] = [
  ['more than a thousand methods', exporting(numbered(1_001, 4))],
  ['names of methods of more than 20,000 bytes', exporting(numbered(201, 100))],
  ['more than sixteen metadata sections', telling(Array.from({ length: 17 }, () => 1))],
  ['metadata of more than a mebibyte', telling([1024 * 1024])],
]

describe.each(BEYOND)('code with %s', (_, wasm) => {
  it('comes into no canister: not installed at once, nor from chunks, nor as a module', () => {
    const net = new CanisterNet()
    const canister = net.installed(EMPTY)
    expect(net.install(canister, wasm, { mode: 'reinstall' })?.reject?.error).toBe('IC0505')
    const chunks = [wasm.subarray(0, 1_000), wasm.subarray(1_000)].map(chunk => {
      expect(net.manage(canister, 'upload_chunk', { chunk: [BLOB, chunk] })?.reply).toBeDefined()
      return candidRecord({ hash: sha256(chunk) })
    })
    const answer = net.manage(canister, 'install_chunked_code', {
      mode: installMode('upgrade'),
      chunk_hashes_list: [{ vec: { record: candidFields({ hash: BLOB }) } }, chunks],
      wasm_module_hash: [BLOB, sha256(wasm)],
      arg: [BLOB, NOTHING],
    })
    expect(answer?.reject?.error).toBe('IC0505')
    const id = asModuleId(Buffer.alloc(32).toString('base64url'))
    expect(() => canisterRuntime.prepare({ id, owner: '', format: 'canister', tags: [], wasm })).toThrow(/more than/)
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('is not asked for its bounds again when its canister wakes', () => {
    expect(new CanisterFactory(undefined).code(sha256(wasm), () => wasm).hash).toEqual(sha256(wasm))
  })
})

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
