/**
 * SHA-256 (FIPS 180-4) as a WebAssembly module, whose rounds are written twice by the same lines: `one` works on
 * integers; `four` on vectors of four integers, with a message in each. A call into an engine's own hash costs more
 * than a short message takes.
 *
 * 1. Message n stands at `n * LANE_BYTES`, padded as the standard says to a number of whole blocks of 64 bytes.
 * 2. `one(blocks, out)` and `four(blocks, out)` leave the hash of message n at `OUT + out + 32 n`: there is room for `HASHES`. `four` goes on for as
 *    many blocks as the longest has; how many each has stands at `COUNTS_AT`.
 * 3. `one`, too, makes the words that follow from those of a block four at a time: a message of two or three blocks takes a quarter less time.
 */
export const LANES = 4
export const LANE_BYTES = 4096
export const OUT = LANES * LANE_BYTES
const PAGE_BYTES = 65_536
/** The constants of the rounds stand at the end. */
const ROUNDS_AT = PAGE_BYTES - 4 * 64
/** Before them four words: the blocks of each message in `four`. */
export const COUNTS_AT = ROUNDS_AT - 32
export const HASHES = (COUNTS_AT - OUT) / 32

/** Code in pieces; an expression leaves its value on the stack. */
type Code = number | readonly Code[]

/** What differs between integers and vectors of them. */
interface Words {
  readonly type: number
  readonly add: Code
  readonly xor: Code
  constant(word: number): Code
  rotate(word: Code, by: number): Code
  shift(word: Code, by: number): Code
  /** Bits of `x` where the mask has a one, of `y` elsewhere. */
  select(mask: Code, x: Code, y: Code): Code
  /** Reads the sixteen words at local `BLOCK`. */
  readonly load: Code
  /** Has the word of a round, with its constant, at hand. */
  schedule(round: number): Code
  /** That sum. */
  word(round: number): Code
  /** Before the first block, and before each. */
  readonly prepare: Code
  readonly begin: Code
  /** A word of the state after a block, which is that before it where there was none; `sum` is what it is otherwise. */
  after(n: number, sum: Code): Code
  /** Writes the locals `STATE` out as hashes. */
  readonly store: Code
}

const I32 = 0x7f
const V128 = 0x7b
/** Locals: blocks to come, where hashes go, address of the next block, the state, the letters a to h, sixteen words, vectors to spare. */
const [BLOCKS, TO, BLOCK, STATE, LETTERS, WORDS, SPARE] = [0, 1, 2, 3, 11, 19, 35] as const

/** Where the words of four rounds stand in `one`, their sums with the constants, and words that lie across two vectors. */
const fourOf = (round: number): number => SPARE + ((round >> 2) % 4)
const [SUMS, SHIFTED] = [SPARE + 4, SPARE + 5]
/** In `four`: the blocks to come of each message, and which have one. */
const [LEFT, GOES_ON] = [SPARE + 4, SPARE + 5]

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const get = (local: number): Code => [0x20, local]
const set = (local: number, value: Code): Code => [value, 0x21, local]
const i32 = (value: number): Code => [0x41, signed(value)]
const vector = (opcode: number): Code => [0xfd, unsigned(opcode)]

const ZERO: Code = [vector(12), range(16).map(() => 0)]

/** For a shuffle: the words of one vector in the other order of bytes; words 0 to 7 of two. */
const TURNED = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]
const wordsOf = (words: readonly number[]): Code => words.map(word => range(4).map(byte => 4 * word + byte))
const shuffle = (x: Code, y: Code, lanes: Code): Code => [x, y, vector(13), lanes]

/** Sixteen bytes of the block, as four words. */
const loadFour = (offset: number): Code => {
  const load = (): Code => [get(BLOCK), vector(0), 0, unsigned(offset)]
  return shuffle(load(), load(), TURNED)
}
const storeFour = (offset: number, local: number): Code => [
  get(TO),
  shuffle(get(local), get(local), TURNED),
  [vector(11), 0, unsigned(OUT + offset)],
]

const INTEGERS: Words = {
  type: I32,
  add: 0x6a,
  xor: 0x73,
  constant: i32,
  rotate: (word, by) => [word, i32(by), 0x78],
  shift: (word, by) => [word, i32(by), 0x76],
  select: (mask, x, y) => [[x, y, 0x73], mask, 0x71, y, 0x73],
  load: range(4).map(n => set(fourOf(4 * n), loadFour(16 * n))),
  schedule: round => (round % 4 > 0 ? [] : [round < 16 ? [] : scheduleFour(round), set(SUMS, sumsOf(round))]),
  word: round => [get(SUMS), vector(27), round % 4],
  prepare: [],
  begin: [],
  after: (_, sum) => sum,
  store: [0, 4].map(n => [
    set(SPARE, [get(STATE + n), vector(17)]),
    [1, 2, 3].map(lane => set(SPARE, [get(SPARE), get(STATE + n + lane), vector(28), lane])),
    storeFour(4 * n, SPARE),
  ]),
}

const VECTORS: Words = {
  type: V128,
  add: vector(174),
  xor: vector(81),
  constant: word => [i32(word), vector(17)],
  rotate: (word, by) => [[word, i32(by), vector(173)], [word, i32(32 - by), vector(171)], vector(80)],
  shift: (word, by) => [word, i32(by), vector(173)],
  select: (mask, x, y) => [x, y, mask, vector(82)],
  load: range(4).map(n => [
    range(LANES).map(lane => set(SPARE + lane, loadFour(lane * LANE_BYTES + 16 * n))),
    transpose(SPARE, WORDS + 4 * n),
  ]),
  schedule: round => (round < 16 ? [] : scheduleWord(round)),
  word: round => [get(wordOf(round)), VECTORS.constant(ROUNDS[round] ?? 0), VECTORS.add],
  prepare: set(LEFT, [i32(0), vector(0), 0, unsigned(COUNTS_AT)]),
  begin: [
    set(GOES_ON, [get(LEFT), ZERO, vector(59)]),
    // Less one where there is one: ones are -1.
    set(LEFT, [get(LEFT), get(GOES_ON), vector(174)]),
  ],
  after: (n, sum) => VECTORS.select(get(GOES_ON), sum, get(STATE + n)),
  store: [0, 4].map(n => [
    transpose(STATE + n, STATE + n),
    range(LANES).map(lane => storeFour(32 * lane + 4 * n, STATE + n + lane)),
  ]),
}

/** Turns rows into columns: four vectors of four words, in locals that follow each other. */
function transpose(rows: number, columns: number): Code {
  const zip = (x: number, y: number, ...words: number[]): Code => shuffle(get(x), get(y), wordsOf(words))
  const [ab, cd, lateAb, lateCd] = [SPARE, SPARE + 1, SPARE + 2, SPARE + 3]
  return [
    // All four are on the stack before the first local is overwritten.
    [zip(rows, rows + 1, 0, 4, 1, 5), zip(rows + 2, rows + 3, 0, 4, 1, 5)],
    [zip(rows, rows + 1, 2, 6, 3, 7), zip(rows + 2, rows + 3, 2, 6, 3, 7)],
    [lateCd, lateAb, cd, ab].map(local => [0x21, local]),
    set(columns, zip(ab, cd, 0, 1, 4, 5)),
    set(columns + 1, zip(ab, cd, 2, 3, 6, 7)),
    set(columns + 2, zip(lateAb, lateCd, 0, 1, 4, 5)),
    set(columns + 3, zip(lateAb, lateCd, 2, 3, 6, 7)),
  ]
}

/** `function (blocks, out)` over what stands in the lanes. */
function hashFunction(words: Words): Code {
  const { type, add, constant, load, schedule, prepare, begin, after, store } = words
  const start = range(8).map(n => set(STATE + n, constant(START[n] ?? 0)))
  const letters = range(8).map(n => set(LETTERS + n, get(STATE + n)))
  const rounds = range(64).map(round => [schedule(round), hashRound(words, round)])
  const added = range(8).map(n => set(STATE + n, after(n, [get(STATE + n), get(LETTERS + n), add])))
  const next = [set(BLOCK, [get(BLOCK), i32(64), 0x6a]), set(BLOCKS, [get(BLOCKS), i32(1), 0x6b])]
  const loop = [[0x03, 0x40], begin, load, letters, rounds, added, next, [get(BLOCKS), 0x0d, 0], 0x0b]
  const locals = [3, [1, I32], [32, type], [6, V128]]
  return sized([locals, start, prepare, loop, store, 0x0b])
}

/** What the standard calls σ0 and σ1, of four words. */
const early = (words: Code): Code => mixedDown(words, 7, 18, 3)
const late = (words: Code): Code => mixedDown(words, 17, 19, 10)

function mixedDown(words: Code, first: number, second: number, shift: number): Code {
  const { rotate, xor } = VECTORS
  return [rotate(words, first), rotate(words, second), xor, VECTORS.shift(words, shift), xor]
}

/** The word of a round, in the place of that of sixteen rounds before. */
function scheduleWord(round: number): Code {
  const { add } = VECTORS
  const back = (rounds: number): Code => get(wordOf(round - rounds))
  return set(wordOf(round), [[back(16), early(back(15)), add], [back(7), late(back(2)), add], add])
}

/** The words of four rounds of one message, in the place of those of sixteen rounds before. The last two are made of the first two. */
function scheduleFour(round: number): Code {
  const { add } = VECTORS
  const back = (rounds: number): number => fourOf(round - rounds)
  const across = (x: number, y: number): Code => shuffle(get(x), get(y), wordsOf([1, 2, 3, 4]))
  const [own, newest] = [back(16), back(4)]
  const begun = [get(own), early(get(SHIFTED)), add, across(back(8), newest), add]
  return [
    set(SHIFTED, across(own, back(12))),
    set(own, [begun, shuffle(late(get(newest)), ZERO, wordsOf([2, 3, 6, 7])), add]),
    set(own, [get(own), shuffle(ZERO, late(get(own)), wordsOf([0, 1, 4, 5])), add]),
  ]
}

/** The words of four rounds with their constants. */
const sumsOf = (round: number): Code => [
  get(fourOf(round)),
  [i32(0), vector(0), 0, unsigned(ROUNDS_AT + 4 * round)],
  VECTORS.add,
]

/** The letters move by one each round; the locals stay where they are. */
function hashRound({ add, xor, rotate, select, word }: Words, round: number): Code {
  const place = (letter: number): number => LETTERS + ((letter + 64 - round) % 8)
  const letter = (n: number): Code => get(place(n))
  const mixed = (n: number, by: readonly [number, number, number]): Code => {
    const [first, second, third] = by.map(count => rotate(letter(n), count))
    return [first ?? [], second ?? [], xor, third ?? [], xor]
  }
  const [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7] as const
  const choice = select(letter(e), letter(f), letter(g))
  const majority = select([letter(a), letter(b), xor], letter(c), letter(a))
  return [
    set(place(h), [[letter(h), word(round), add], [mixed(e, [6, 11, 25]), choice, add], add]),
    set(place(d), [letter(d), letter(h), add]),
    set(place(h), [letter(h), [mixed(a, [2, 13, 22]), majority, add], add]),
  ]
}

const wordOf = (round: number): number => WORDS + (round % 16)

/** The module: exports `memory`, `one` and `four`. */
export function sha256Module(): Uint8Array<ArrayBuffer> {
  const name = (text: string): Code => sized([...text].map(char => char.charCodeAt(0)))
  const section = (id: number, content: Code): Code => [id, sized(content)]
  return Uint8Array.from(
    flat([
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [1, 0x60, 2, I32, I32, 0]),
      section(3, [2, 0, 0]),
      section(5, [1, 0, 1]),
      section(7, [3, [name('memory'), 2, 0], [name('one'), 0, 0], [name('four'), 0, 1]]),
      section(10, [2, hashFunction(INTEGERS), hashFunction(VECTORS)]),
      section(11, [1, 0, i32(ROUNDS_AT), 0x0b, sized(ROUNDS.flatMap(littleEndian))]),
    ]),
  )
}

function flat(code: Code, bytes: number[] = []): number[] {
  if (typeof code === 'number') bytes.push(code)
  else for (const part of code) flat(part, bytes)
  return bytes
}

function sized(content: Code): Code {
  const bytes = flat(content)
  return [unsigned(bytes.length), bytes]
}

function unsigned(value: number): Code {
  return value < 0x80 ? value : [(value & 0x7f) | 0x80, unsigned(value >>> 7)]
}

function signed(value: number): Code {
  const [low, rest] = [value & 0x7f, value >> 7]
  return rest === (low < 0x40 ? 0 : -1) ? low : [low | 0x80, signed(rest)]
}

const littleEndian = (word: number): number[] => range(4).map(byte => (word >>> (8 * byte)) & 0xff)

/** The first 32 bits behind the point of square roots, and of cube roots, of the first primes (§4.2.2, §5.3.3). */
const PRIMES: number[] = []
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every(prime => n % prime > 0)) PRIMES.push(n)
const fraction = (root: number): number => ((root - Math.floor(root)) * 2 ** 32) | 0
const START = PRIMES.slice(0, 8).map(prime => fraction(Math.sqrt(prime)))
const ROUNDS = PRIMES.slice(0, 64).map(prime => fraction(Math.cbrt(prime)))
