import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostCrypto } from '../../node/crypto/host-crypto.ts'
import { nativeCrypto } from '../../node/crypto/native-crypto.ts'
import {
  type CryptoProvider,
  EMPTY_ROOT,
  fromHex,
  installCrypto,
  leafHash,
  leafHashes,
  merkleLevels,
  merkleRoot,
  pathIn,
  rootFromPath,
  rootOfLeaves,
  sha256,
  sha256Each,
  toHex,
} from '../../protocol/index.ts'
import { ShortSha256 } from '../../protocol/crypto/short-sha256.ts'

const providers: readonly (readonly [string, Partial<CryptoProvider>])[] = [
  ['portable', {}],
  ['native', nativeCrypto],
  ['host', hostCrypto],
]
/** Around the ends of blocks, of lanes, and of what is short. */
const LENGTHS = [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 511, 512, 513, 3967, 3968, 3969, 4096, 70_000]
const source = new Uint8Array(80_000).map((_, at) => (at * at + (at >> 7)) & 0xff)

const oracle = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

describe.each(providers)('SHA-256 of the %s provider', (_, provider) => {
  beforeAll(() => installCrypto(provider))
  afterAll(() => installCrypto({}))

  it('is that of everybody for one message of any length', () => {
    for (const length of LENGTHS) {
      const bytes = source.subarray(3, 3 + length)
      expect(toHex(sha256(bytes)), String(length)).toBe(oracle(bytes))
    }
  })

  it('is that of everybody for many messages at once, behind any prefix', () => {
    const length = fc.oneof(fc.nat(130), fc.constantFrom(...LENGTHS))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.array(length, { maxLength: 20 }), (prefix, lengths) => {
        const bounds = lengths.flatMap((size, at) => [at, at + size])
        const digests = sha256Each(prefix, source, bounds)
        expect(digests).toHaveLength(32 * lengths.length)
        for (const [at, size] of lengths.entries()) {
          const digest = digests.subarray(32 * at, 32 * at + 32)
          expect(toHex(digest)).toBe(oracle(prefix, source.subarray(at, at + size)))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('makes the trees that the protocol describes, and paths that lead to their roots', () => {
    for (const count of [0, 1, 2, 3, 4, 5, 16, 17, 33, 63, 64, 65, 257, 1024]) {
      const bounds = Array.from({ length: count }, (_, at) => [at, at + 40]).flat()
      const together = leafHashes(source, bounds)
      const leaves = Array.from({ length: count }, (_, at) => source.subarray(at, at + 40))
      expect(toHex(together)).toBe(leaves.map(bytes => oracle(Uint8Array.of(0), bytes)).join(''))
      const root = describedRoot(leaves.map(leafHash))
      expect(toHex(rootOfLeaves(together)), String(count)).toBe(toHex(root))
      expect(toHex(merkleRoot(leaves.map(leafHash)))).toBe(toHex(root))
      const tree = merkleLevels(together)
      for (const index of new Set([0, 3, 4, count >> 1, count - 2, count - 1])) {
        const leaf = leaves[index]
        if (leaf === undefined) continue
        expect(rootFromPath(leafHash(leaf), index, count, pathIn(tree, index))).toEqual(root)
      }
    }
  })
})

/** Level by level, each run of four nodes becomes one; a run of one is carried up as it is. */
function describedRoot(nodes: readonly Uint8Array[]): Uint8Array {
  if (nodes.length < 2) return nodes[0] ?? EMPTY_ROOT
  const above: Uint8Array[] = []
  for (let at = 0; at < nodes.length; at += 4) {
    const run = nodes.slice(at, at + 4)
    const [only] = run
    if (run.length === 1 && only !== undefined) above.push(only)
    else above.push(fromHex(oracle(Uint8Array.of(1), ...run)))
  }
  return describedRoot(above)
}

describe('SHA-256 in WebAssembly', () => {
  it('gives as many hashes as are asked for, more than its memory holds', () => {
    const lengths = Array.from({ length: 5_001 }, (_, at) => (at % 7 === 0 ? 60 : at % 130))
    const bounds = lengths.flatMap((size, at) => [at, at + size])
    const prefix = Uint8Array.of(5)
    const expected = lengths.map((size, at) => oracle(prefix, source.subarray(at, at + size))).join('')
    const digests = new ShortSha256().hashEach(prefix, source, bounds)
    expect(toHex(digests) === expected).toBe(true)
  })

  it('hashes messages of other lengths side by side, each up to its own end', () => {
    const prefix = Uint8Array.of(1)
    const short = new ShortSha256()
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 12 }), lengths => {
        const bounds = lengths.flatMap((size, at) => [at, at + size])
        const expected = lengths.map((size, at) => oracle(prefix, source.subarray(at, at + size))).join('')
        expect(toHex(short.hashEach(prefix, source, bounds))).toBe(expected)
      }),
    )
  })

  it('keeps nothing of one message for the next', () => {
    const short = new ShortSha256()
    for (const length of [200, 3, 130, 0, 64, 55]) {
      const bytes = source.subarray(length, 2 * length)
      expect(toHex(short.hash(bytes))).toBe(oracle(bytes))
    }
  })
})
