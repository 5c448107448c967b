/** Small modules that cost their reader much, byte by byte: WebAssembly allows them all. */
type Bytes = readonly number[] | Uint8Array

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
const I64 = 0x7e
const END = 0x0b

function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest > 0)
  return bytes
}

const join = (...parts: readonly Bytes[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map(part => Buffer.from(part))))
const repeat = (times: number, bytes: Bytes): Uint8Array => {
  const whole = new Uint8Array(times * bytes.length)
  for (let i = 0; i < times; i++) whole.set(bytes, i * bytes.length)
  return whole
}
const section = (id: number, content: Bytes): Uint8Array => join([id], unsigned(content.length), content)
const list = (count: number, entries: Bytes): Uint8Array => join(unsigned(count), entries)
const body = (code: Bytes): Uint8Array => join(unsigned(code.length), code)
const text = (value: string): number[] => [value.length, ...Buffer.from(value)]

/** An actor in all formal respects: `inbox`, `handle` and a memory, with `code` as the body of `handle`. */
function actor(
  code: Bytes,
  parts: { pages?: number; tables?: Bytes; extra?: { count: number; bodies: Uint8Array } } = {},
): Uint8Array {
  const { pages = 2, tables, extra } = parts
  const type = [0x60, 1, 0x7f, 1, 0x7f]
  const functions = 2 + (extra?.count ?? 0)
  const names = [...text('inbox'), 0, 0, ...text('handle'), 0, 1]
  const bodies = join(body([0, 0x41, 0x80, 0x20, END]), body(code), extra?.bodies ?? [])
  return join(
    HEADER,
    section(1, list(1, type)),
    section(3, list(functions, new Uint8Array(functions))),
    tables === undefined ? [] : section(4, tables),
    section(5, list(1, join([0], unsigned(pages)))),
    section(7, list(2, names)),
    section(10, list(functions, bodies)),
  )
}

const ENDING = [0x41, 0, END]
const NO_LOCALS = [0]

const functions = (count: number): Uint8Array =>
  actor([...NO_LOCALS, ...ENDING], {
    extra: { count, bodies: repeat(count, body([0, 0x41, 0, END])) },
  })
const branchTables = (count: number, targets: number): Uint8Array =>
  actor(
    join(
      NO_LOCALS,
      repeat(count, join([0x02, 0x40, 0x41, 0, 0x0e], unsigned(targets), new Uint8Array(targets), [0, END])),
      ENDING,
    ),
  )
const arithmetic = (count: number): Uint8Array =>
  actor(join([1, 1, I64], repeat(count, [0x20, 1, 0x42, 13, 0x7e, 0x21, 1]), ENDING))
const nesting = (depth: number): Uint8Array =>
  actor(join(NO_LOCALS, repeat(depth, [0x02, 0x40]), new Uint8Array(depth).fill(END), ENDING))
const locals = (count: number): Uint8Array =>
  actor([...NO_LOCALS, ...ENDING], {
    extra: { count, bodies: repeat(count, body(join([1], unsigned(50_000), [I64], ENDING))) },
  })
const tables = (count: number, size: number): Uint8Array =>
  actor([...NO_LOCALS, ...ENDING], {
    tables: list(count, repeat(count, join([0x70, 0], unsigned(size)))),
  })

/** By what they abuse. */
export const MODULE_BOMBS: ReadonlyMap<string, () => Uint8Array> = new Map([
  ['100,000 functions', () => functions(100_000)],
  ['1,000,001 functions', () => functions(1_000_001)],
  ['10 branch tables of 65,520 targets', () => branchTables(10, 65_520)],
  ['100 branch tables of 65,520 targets', () => branchTables(100, 65_520)],
  ['a function of a million multiplications', () => arithmetic(1_000_000)],
  ['a million nested blocks', () => nesting(1_000_000)],
  ['1,000 functions of 50,000 locals', () => locals(1000)],
  ['a table of ten million entries', () => tables(1, 10_000_000)],
  ['50 tables of ten million entries', () => tables(50, 10_000_000)],
  ['4 GiB of memory', () => actor([...NO_LOCALS, ...ENDING], { pages: 65_536 })],
  ['nothing but a header', () => new Uint8Array(HEADER)],
  [
    'an endless start function',
    () =>
      join(
        HEADER,
        section(1, list(1, [0x60, 0, 0])),
        section(3, list(1, [0])),
        section(8, [0]),
        section(10, list(1, body([0, 0x03, 0x40, 0x0c, 0, END, END]))),
      ),
  ],
])

/** Pass every check, but never end: the gas must stop them. */
export const ENDLESS_ACTORS: ReadonlyMap<string, () => Uint8Array> = new Map([
  ['an empty loop', () => actor([...NO_LOCALS, 0x03, 0x40, 0x0c, 0, END, ...ENDING])],
  [
    'a loop that grows the memory',
    () => actor([...NO_LOCALS, 0x03, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x0c, 0, END, ...ENDING]),
  ],
  [
    'a loop that fills the memory',
    () =>
      actor([
        ...NO_LOCALS,
        0x03,
        0x40,
        0x41,
        0,
        0x41,
        1,
        0x41,
        ...[0x80, 0x80, 0x08],
        0xfc,
        11,
        0,
        0x0c,
        0,
        END,
        ...ENDING,
      ]),
  ],
])
