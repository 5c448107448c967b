import { describe, expect, it } from 'vitest'
import { ModuleRefused, type RefusalReason, type RewriteProfile, rewrite } from '../../../processes/rewriter/index.ts'
import { binary, body, leb, section, vector } from './binary.ts'
import { OPEN_PROFILE, start, wat } from './wat.ts'

const CLOSED: RewriteProfile = {
  imports: module => module === 'allowed',
  memoryPagesMax: 4096,
  frameSlotsMax: 65_536,
  trackDirty: true,
}

function reasonOf(bytes: Uint8Array, profile: RewriteProfile = CLOSED): RefusalReason | 'accepted' {
  try {
    rewrite(bytes, profile)
    return 'accepted'
  } catch (error) {
    if (error instanceof ModuleRefused) return error.reason
    throw error
  }
}

const code = (...instructions: number[]) => codeOf(instructions)

const codeOf = (instructions: readonly number[]) =>
  binary(
    section(1, vector([[0x60, 0, 0]])),
    section(3, vector([[0]])),
    section(5, vector([[0, 1]])),
    section(10, vector([body([], instructions)])),
  )

/** Text or bytes for every reason there is. */
const ZOO: Readonly<Record<RefusalReason, readonly (string | Uint8Array)[]>> = {
  malformed: [
    Uint8Array.of(0x00, 0x61, 0x73),
    binary([14, 0]),
    binary(section(1, [1, 0x5f + 0x20, 0])),
    binary(section(3, vector([])), section(1, vector([]))),
    binary(section(1, [0x80, 0x80, 0x80, 0x80, 0x80, 0x00])),
  ],
  invalid: [
    code(0x6a),
    code(0x41, 0),
    code(0x20, 0, 0x1a),
    code(0x10, 7),
    code(0x0c, 9),
    binary(section(7, vector([[1, 0x61, 0, 0]]))),
  ],
  atomics: [code(0x41, 0, 0xfe, 0x10, 2, 0, 0x1a)],
  'custom-page-size': [binary(section(5, vector([[8, 1, 0]])))],
  exceptions: [
    code(0x06, 0x40, 0x0b),
    code(0x1f, 0x40, 0, 0x0b),
    binary(section(1, vector([[0x60, 0, 0]])), section(13, vector([[0, 0]]))),
    binary(section(1, vector([[0x60, 0, 0]])), section(2, vector([[1, 0x61, 1, 0x62, 4, 0, 0]]))),
  ],
  gc: [code(0xfb, 0, 0), binary(section(1, vector([[0x5f, 0]]))), code(0xd0, 0x6e, 0x1a)],
  'multi-memory': [
    binary(
      section(
        5,
        vector([
          [0, 1],
          [0, 1],
        ]),
      ),
    ),
  ],
  'relaxed-simd': [code(0xfd, 0x80, 0x02)],
  'reserved-name': ['(module (func (export "atoll:gas")))', '(module (func (export "atoll:x")))'],
  'shared-memory': [binary(section(5, vector([[3, 1, 2]])))],
  'tail-calls': [code(0x12, 0), code(0x13, 0, 0)],
  'unknown-opcode': [code(0x27), code(0xfd, 154, 1), code(0xfc, 18)],
  'float-boundary': [
    '(module (func (export "f") (param f64)))',
    '(module (func (export "f") (result f32) (f32.const 1)))',
    '(module (import "allowed" "f" (func (param i32 f32))))',
    '(module (global (export "g") f64 (f64.const 1)))',
    '(module (import "allowed" "g" (global f32)))',
  ],
  'import-not-allowed': [
    '(module (import "other" "f" (func)))',
    '(module (import "other" "g" (global i32)))',
    '(module (import "other" "m" (memory 1)))',
    '(module (import "other" "t" (table 1 funcref)))',
  ],
  'memory-init': [
    '(module (memory 1) (data "a") (func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))))',
    '(module (memory 1) (data "a") (func (data.drop 0)))',
  ],
  'table-mutation': [
    '(module (table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func))))',
    '(module (table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1)))))',
    '(module (table 1 funcref) (func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1))))',
    '(module (table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1))))',
    '(module (table 1 funcref) (elem funcref (ref.null func)) (func (elem.drop 0)))',
    `(module (table 1 funcref) (elem funcref (ref.null func))
      (func (table.init 0 (i32.const 0) (i32.const 0) (i32.const 1))))`,
  ],
  'unsaved-global': [
    '(module (global (mut v128) (v128.const i32x4 0 0 0 0)))',
    '(module (global (mut funcref) (ref.null func)))',
  ],
  'br-table-too-large': [
    code(0x41, 0, 0x0e, ...leb(5000), ...new Array<number>(5001).fill(0)),
    code(
      ...Array.from({ length: 20 }, () => [
        ...[0x02, 0x40, 0x41, 0, 0x0e],
        ...leb(4000),
        ...new Array<number>(4001).fill(0),
        0x0b,
      ]).flat(),
    ),
  ],
  'custom-sections-too-large': [
    binary(...Array.from({ length: 17 }, () => section(0, [1, 0x61]))),
    binary(section(0, [1, 0x61, ...new Array<number>(1_100_000).fill(0)])),
  ],
  'elements-too-many': [
    binary(
      section(1, vector([[0x60, 0, 0]])),
      section(3, vector([[0]])),
      section(9, vector([[1, 0, ...leb(200_000), ...new Array<number>(200_000).fill(0)]])),
      section(10, vector([body([], [])])),
    ),
  ],
  'exports-too-many': [binary(section(7, leb(20_000)))],
  'function-too-large': [codeOf(new Array<number>(1_100_000).fill(1))],
  'functions-too-many': [binary(section(1, vector([[0x60, 0, 0]])), section(3, leb(100_000)))],
  'globals-too-many': [binary(section(6, leb(2000)))],
  'imports-too-many': [binary(section(2, leb(2000)))],
  'locals-too-many': [
    binary(
      section(1, vector([[0x60, 0, 0]])),
      section(3, vector([[0]])),
      section(10, vector([body([[50_000, 0x7e]], [])])),
    ),
  ],
  'memory-too-large': ['(module (memory 65536))', '(module (memory 4097 5000))'],
  'module-too-large': [binary(section(0, new Array<number>(11_000_000).fill(0)))],
  'nesting-too-deep': [
    code(...Array.from({ length: 2000 }, () => [0x02, 0x40]).flat(), ...new Array<number>(2000).fill(0x0b)),
  ],
  'operands-too-many': [code(...Array.from({ length: 5000 }, () => [0x41, 0]).flat(), 0x00)],
  'parameters-too-many': [
    binary(section(1, vector([[0x60, ...leb(300), ...new Array<number>(300).fill(0x7f), 0]]))),
    binary(section(1, vector([[0x60, 0, ...leb(300), ...new Array<number>(300).fill(0x7f)]]))),
  ],
  'segments-too-many': [binary(section(5, vector([[0, 1]])), section(11, leb(20_000)))],
  'table-too-large': ['(module (table 100000 funcref))'],
  'tables-too-many': [
    binary(section(4, vector(Array.from({ length: 10 }, () => [0x70, 0, 1])))),
    binary(section(4, vector(Array.from({ length: 50 }, () => [0x70, 0, ...leb(10_000_000)])))),
  ],
  'types-too-many': [binary(section(1, leb(20_000)))],
}

describe('a module is refused as', () => {
  for (const [reason, samples] of Object.entries(ZOO)) {
    it(`${reason}, ${samples.length} times`, () => {
      for (const sample of samples) {
        const bytes = typeof sample === 'string' ? wat(sample) : sample
        expect(reasonOf(bytes)).toBe(reason)
      }
    })
  }

  it('says where', () => {
    expect(() => rewrite(code(0x01, 0x01, 0x6a), CLOSED)).toThrow(
      expect.objectContaining({ name: 'ModuleRefused', reason: 'invalid', offset: 30 }),
    )
  })
})

describe('a profile opens', () => {
  for (const reason of ['float-boundary', 'memory-init', 'table-mutation', 'unsaved-global'] as const) {
    it(`what else is refused as ${reason}`, () => {
      for (const sample of ZOO[reason]) {
        const bytes = typeof sample === 'string' ? wat(sample) : sample
        expect(reasonOf(bytes, OPEN_PROFILE)).toBe('accepted')
        expect(WebAssembly.validate(Uint8Array.from(rewrite(bytes, OPEN_PROFILE).bytes))).toBe(true)
      }
    })
  }

  it('imports on its list, and limits', () => {
    expect(reasonOf(wat('(module (import "allowed" "f" (func)))'))).toBe('accepted')
    const limits = { functionsMax: 1 }
    expect(reasonOf(wat('(module (func) (func))'), { ...CLOSED, limits })).toBe('functions-too-many')
  })
})

/** Blocks that take and give 256 operands: three bytes each. */
function wideBlocks(): Uint8Array {
  const types = new Array<number>(256).fill(0x7f)
  const wide = [0x60, ...leb(256), ...types, ...leb(256), ...types]
  const operands = types.flatMap(() => [0x41, 0])
  const blocks = Array.from({ length: 330_000 }, () => [0x02, 1, 0x0b]).flat()
  const instructions = operands.concat(blocks, new Array<number>(256).fill(0x1a))
  return binary(
    section(1, vector([[0x60, 0, 0], wide])),
    section(3, vector([[0]])),
    section(10, vector([body([], instructions)])),
  )
}

describe('a bomb', () => {
  const bombs: Readonly<Record<string, Uint8Array>> = {
    'of ten huge tables in 71 bytes': binary(
      section(4, vector(Array.from({ length: 10 }, () => [0x70, 0, ...leb(10_000_000)]))),
    ),
    'of 4 GiB of memory in 22 bytes': wat('(module (memory (export "m") 65536))'),
    'of a million functions': binary(section(1, vector([[0x60, 0, 0]])), section(3, leb(1_000_000))),
    'of a million nested blocks': codeOf(new Array<number>(900_000).fill(0x02)),
    'of blocks that move millions of operands': wideBlocks(),
    'of fifty thousand locals': binary(
      section(1, vector([[0x60, 0, 0]])),
      section(3, vector([[0]])),
      section(10, vector([body([[0xffffffff, 0x7e]], [])])),
    ),
  }
  for (const [name, bytes] of Object.entries(bombs)) {
    it(`${name} is refused at once`, () => {
      // Of this thread: others may be at work on the machine.
      const begin = process.threadCpuUsage()
      expect(reasonOf(bytes)).not.toBe('accepted')
      const { user, system } = process.threadCpuUsage(begin)
      expect((user + system) / 1_000).toBeLessThan(1_000)
    })
  }

  it('of a loop, of recursion, of growth ends by gas or depth', () => {
    const guest = start(
      wat(`(module (memory 1)
        (func (export "loop") (loop (br 0)))
        (func $recurse (export "recurse") (call $recurse))
        (func (export "grow") (loop (drop (memory.grow (i32.const 1))) (br 0)))
        (func (export "fill") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))
          (br 0))))`),
    )
    for (const name of ['loop', 'recurse', 'grow', 'fill']) {
      guest.gas = 100_000_000n
      guest.depth = 0
      expect(() => guest.call(name)).toThrow(WebAssembly.RuntimeError)
      expect(guest.gas < 0n || guest.depth > 131_072, name).toBe(true)
      expect(guest.outOfMemory).toBe(0)
    }
  })
})
