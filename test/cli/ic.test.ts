import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeArguments } from '../../cli/ic/candid-arguments.ts'
import { parseCandidText } from '../../cli/ic/candid-text.ts'
import { namesOf, showCandid } from '../../cli/ic/show-candid.ts'
import { type AtollNode, createNode } from '../../node/index.ts'
import { decodeCandid, Failure, parseDid, principalFromText } from '../../protocol/index.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { type Ended, run, temporaryFolder } from './test-terminal.ts'

const PROGRAM = (version: number): string => `
persistent actor {
  var n : Nat = 0;
  public func add(by : Nat) : async Nat { n += by; n };
  public query func get() : async { count : Nat; version : Nat } { { count = n; version = ${version} } };
  public composite query func count() : async Nat { n };
  public func fail() : async () { assert false };
}`

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let node: AtollNode

const atoll = (...words: string[]): Promise<Ended> =>
  run(words, { env: { ATOLL_HOME: join(folder.path, 'home'), ATOLL_URL: node.url }, cwd: folder.path })
const said = async (...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await atoll(...words)
  expect(code, stderr).toBe(0)
  return stdout.trim()
}

beforeAll(async () => {
  folder = await temporaryFolder()
  node = await createNode({ data: join(folder.path, 'data'), port: 0, hosts: 1 })
}, 180_000)

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

describe('atoll ic', () => {
  test('deploys a Motoko program, calls it, upgrades it and shows its interface', { timeout: 180_000 }, async () => {
    const file = join(folder.path, 'counter.mo')
    await writeFile(file, PROGRAM(1))
    const canister = await said('ic', 'deploy', file)
    expect(principalFromText(canister)).toHaveLength(29)
    expect(await said('ic', 'call', canister, 'add', '(5)')).toBe('(5)')
    expect(await said('ic', 'call', canister, 'get', '--query')).toBe('(record { count = 5; version = 1 })')
    for (const words of [
      ['call', 'counter', 'add', '5'],
      ['send', 'counter', 'add', '5'],
      ['query', 'counter', 'get'],
    ])
      expect((await atoll(...words)).stderr).toMatch(/atoll ic call counter (add '\(5\)'|get '\(\)')/)
    const failed = await atoll('ic', 'call', canister, 'fail')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('IC0503')
    await writeFile(file, PROGRAM(2))
    expect(await said('ic', 'deploy', file, '--canister', canister)).toBe(canister)
    expect(await said('ic', 'call', canister, 'get', '--query')).toBe('(record { count = 5; version = 2 })')
    const [process = ''] = (await said('process', 'list'))
      .split('\n')
      .slice(1)
      .map(line => /[\w-]{43}/.exec(line)?.[0])
    expect(await said('ic', 'id', process)).toBe(canister)
    const shown = await said('process', 'show', process)
    expect(shown).toContain(canister)
    expect(shown).toContain('add: (by: nat) -> (nat)')
    expect(await said('process', 'show', canister)).toBe(shown)
    expect(await said('results', canister)).toMatch(/ok.* \(5\)\n.*IC0503: /)
    for (const asked of [['count'], ['count', '--query'], ['add', '(0)', '--update'], ['get', '--update']])
      expect(await said('ic', 'call', canister, ...asked)).toMatch(/^\((5|record \{ count = 5; version = 2 \})\)$/)
    expect((await atoll('ic', 'call', canister, 'count', '--update')).stderr).toContain('IC0527')
    expect((await atoll('ic', 'call', canister, 'get', '--update', '--query')).code).toBe(2)
  })

  test('gives a canister a name, by which it is called and upgraded', { timeout: 180_000 }, async () => {
    const file = join(folder.path, 'named.mo')
    await writeFile(file, PROGRAM(1))
    const named = await said('ic', 'deploy', file)
    expect(await said('ic', 'call', 'named', 'add', '(2)')).toBe('(2)')
    expect(await said('process', 'list')).toContain('named')
    const methods = 'next: Its methods are add, count, fail, get'
    expect((await atoll('ic', 'call', 'named', 'ad', '(2)')).stderr).toContain(`${methods}; did you mean "add"? (more`)
    expect((await atoll('ic', 'call', 'named', 'nothing', '--query')).stderr).toContain(`${methods}. (more`)
    const other = await said('ic', 'deploy', file, '--name', 'other')
    expect(other).not.toBe(named)
    await writeFile(file, PROGRAM(2))
    const again = await atoll('ic', 'deploy', file)
    expect([again.stdout.trim(), again.stderr]).toEqual([named, 'upgraded named\n'])
    expect(await said('ic', 'call', 'named', 'get', '--query')).toBe('(record { count = 2; version = 2 })')
    expect(await said('ic', 'call', 'other', 'get', '--query')).toBe('(record { count = 0; version = 1 })')
  })

  test('installs where a canister of that name has no code yet', { timeout: 180_000 }, async () => {
    const file = join(folder.path, 'late.wasm')
    await writeFile(file, Uint8Array.of(0, 0x61, 0x73, 0x6d, 9))
    expect((await atoll('ic', 'deploy', file)).stderr).toContain('IC0505')
    await writeFile(file, motoko(PROGRAM(1)))
    const canister = await said('ic', 'deploy', file)
    expect(await said('ic', 'id', 'late')).toBe(canister)
    expect(await said('ic', 'call', 'late', 'add', '(1)')).toBe('(1)')
  })

  test('tells who signs, and what is wrong with a program or an argument', async () => {
    expect(principalFromText(await said('ic', 'id'))).toHaveLength(29)
    const file = join(folder.path, 'wrong.mo')
    await writeFile(file, 'persistent actor { var n : Nat = "x" }')
    const failed = await atoll('ic', 'deploy', file)
    expect(failed.stderr).toContain('wrong.mo:1:')
    await writeFile(file, 'import Nat "mo:base/Nat"; persistent actor {}')
    expect((await atoll('ic', 'deploy', file)).stderr).toContain(
      'package "base" not defined: mo:core alone comes along, others by --package base=',
    )
    expect((await atoll('ic', 'deploy', file, '--package', 'base=nowhere')).stderr).toContain('nowhere')
    expect((await atoll('ic', 'deploy', file, '--package', 'base')).code).toBe(2)
    expect((await atoll('ic', 'call', await said('ic', 'id'), 'get', '(5')).code).toBe(2)
    expect((await atoll('ic', 'deploy', join(folder.path, 'nowhere.mo'))).stderr).toContain('nowhere.mo')
    await said('spawn', 'counter', '--name', 'no-canister')
    const { code, stderr } = await atoll('ic', 'call', 'no-canister', 'get')
    expect([code, stderr]).toEqual([2, expect.stringContaining('that process is no canister; process: no-canister')])
    expect(stderr).toContain('next: Its messages go by atoll call')
    const cycles = '(record { amount = opt (5 : nat) })'
    const made = await said('ic', 'call', 'aaaaa-aa', 'provisional_create_canister_with_cycles', cycles)
    expect(made).toContain('1313628723 = principal "')
  })

  test('compiles a program with packages whose sources lie on the disk', { timeout: 180_000 }, async () => {
    const sources = join(folder.path, '.mops', 'sum@1.0.0', 'src')
    await mkdir(join(sources, 'parts'), { recursive: true })
    await writeFile(join(sources, 'parts', 'plus.mo'), 'module { public func plus(a : Nat, b : Nat) : Nat { a + b } }')
    await writeFile(
      join(sources, 'lib.mo'),
      'import Nat "mo:core/Nat"; import P "parts/plus"; module { public func twice(n : Nat) : Text { Nat.toText(P.plus(n, n)) } }',
    )
    const file = join(folder.path, 'doubling.mo')
    await writeFile(
      file,
      'import Sum "mo:sum"; persistent actor { public query func twice(n : Nat) : async Text { Sum.twice(n) } }',
    )
    await said('ic', 'deploy', file, '--package', 'sum=.mops/sum@1.0.0/src')
    expect(await said('ic', 'call', 'doubling', 'twice', '(4)')).toBe('("8")')
  })

  test('writes arguments as the program takes them', { timeout: 180_000 }, async () => {
    const file = join(folder.path, 'exact.mo')
    await writeFile(
      file,
      'persistent actor class Exact(start : Nat8) { var n : Nat64 = 0; public func add(by : Nat64, memo : ?Text) : async (Nat64, Nat8, ?Text) { n += by; (n, start, memo) } }',
    )
    await said('ic', 'deploy', file, '--argument', '(7)')
    expect(await said('ic', 'call', 'exact', 'add', '(5)')).toBe('(5, 7, null)')
    const wrong = await atoll('ic', 'call', 'exact', 'add', '(-5)')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('nat64')])
  })

  test('signs with a secp256k1 key of the IC’s tools as these do', { timeout: 180_000 }, async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
    const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')
    const pem = join(folder.path, 'me.pem')
    await writeFile(pem, key.export({ format: 'pem', type: 'sec1' }))
    await said('identity', 'import', 'me', pem)
    const principal = Secp256k1KeyIdentity.fromSecretKey(new Uint8Array(secret)).getPrincipal().toText()
    expect(await said('ic', 'id', '-i', 'me')).toBe(principal)
    const file = join(folder.path, 'whoami.mo')
    await writeFile(file, 'persistent actor { public shared ({ caller }) func whoami() : async Principal { caller } }')
    const canister = await said('ic', 'deploy', file, '-i', 'me')
    expect(await said('ic', 'call', canister, 'whoami', '-i', 'me')).toBe(`(principal "${principal}")`)
    expect(await said('ic', 'deploy', file, '-i', 'me')).toBe(canister)
  })
})

/** The code of the failure that something ends with. */
function refusalOf(does: () => unknown): unknown {
  try {
    return does()
  } catch (error) {
    return Failure.is(error) ? error.code : error
  }
}

describe('Candid as text', () => {
  test.each([
    ['()', '()'],
    ['(1, -2, 3 : nat8, 4.5, true, null)', '(1, -2, 3, 4.5, true, null)'],
    ['("a \\"b\\" \\u{e9}", blob "\\00\\ff")', '("a \\"b\\" é", blob "\\00\\ff")'],
    ['(record { a = 1; b = vec { "x"; "y" } })', '(record { a = 1; b = vec { "x"; "y" } })'],
    [
      '(record { 1; 2 }, opt 5, variant { Ok = "yes" }, variant { Err })',
      '(record { 1; 2 }, opt 5, variant { Ok = "yes" }, variant { Err })',
    ],
    ['(principal "ryjl3-tyaaa-aaaaa-aaaba-cai")', '(principal "ryjl3-tyaaa-aaaaa-aaaba-cai")'],
    ['5 // alone', '(5)'],
    ['(0xff, -0x1_0, +5, 1_000 : nat16)', '(255, -16, 5, 1_000)'],
    ['((5), opt (5 : nat64), (null : opt nat))', '(5, opt 5, null)'],
    ['(vec { opt 1; null }, vec { 1 : int; -2 })', '(vec { opt 1; null }, vec { 1; -2 })'],
    ['(vec {} : vec record { text; nat8 }, record { 5 } : record { int })', '(vec {}, record { 5 })'],
    ['(record { 1_0 = "a"; 0xb = "b" })', '(record { 10 = "a"; 11 = "b" })'],
  ])('reads %s', (text, shown) => {
    expect(showCandid(decodeCandid(encodeArguments(parseCandidText(text))), namesOf('a b Ok Err'))).toBe(shown)
  })

  test.each([
    ...['(', '(1', '(1 2)', '(foo)', 'record { = 1 }', '("x" : nat)', '(1) 2', '%', '((1)', '(5 :)', '(5 : nat : nat)'],
    ...['(300 : nat8)', '(vec { 1; "a" })', '(vec { null; opt 1 })', '(5 : opt text)', '(5 : foo)', '(5 : record {)'],
    ...['"\\u{110000}"', '"\\u{d800}"', '"\\q"', '"\\ff"', 'principal "aaaaa-ab"', 'principal 5', 'blob 5'],
    ...['record { a = 1; a = 2 }', 'record { 1 = 1; 1 = 2 }', 'variant { a; b }', 'variant {}', 'record { ( = 1 }'],
    ...['record { 4_294_967_296 = 1 }', 'record { 1.5 = 1 }', `${'('.repeat(100)}1${')'.repeat(100)}`],
  ])('refuses %s', text => {
    expect(refusalOf(() => encodeArguments(parseCandidText(text)))).toBe('usage')
  })

  test('stands on lines of its own where it is wide, and means the same', () => {
    const item = 'record { name = "a name that is long"; tags = vec { "x" } }'
    const text = `(vec { ${item}; ${item} }, opt variant { Ok = vec {} }, 5)`
    const values = decodeCandid(encodeArguments(parseCandidText(text)))
    const shown = showCandid(values, namesOf('name tags Ok'), 40)
    expect(shown).toBe(`(
  vec {
    record {
      name = "a name that is long";
      tags = vec { "x" };
    };
    record {
      name = "a name that is long";
      tags = vec { "x" };
    };
  },
  opt variant { Ok = vec {} },
  5,
)`)
    expect(decodeCandid(encodeArguments(parseCandidText(shown)))).toEqual(values)
  })

  test('may be long', () => {
    const text = 'x'.repeat(130_000)
    expect(decodeCandid(encodeArguments(parseCandidText(`("${text}", blob "${'\\41'.repeat(130_000)}")`)))).toEqual([
      text,
      new Uint8Array(130_000).fill(0x41),
    ])
  })

  const { methods } = parseDid(`type B = nat8;
    type Endless = opt Endless;
    type Callback = func () -> ();
    type Tree = opt record { n : nat8; rest : Tree };
    service : {
      number : (nat64, int, float32) -> ();
      lists : (vec nat8, vec record { text; nat16 }, vec text) -> ();
      order : (record { to : principal; "amount" : nat64; memo : opt blob; side : variant { buy; sell : nat8 } }) -> ();
      tree : (Tree) -> ();
      maybe : (opt opt nat, opt nat8) -> ();
      bytes : (vec B) -> ();
      "a\\41\\u{e9}" : (nat8) -> ();
      told : (opt func () -> (), nat64, opt record { to : Callback }, vec service {}) -> ();
      endless : (Endless) -> ();
    }`)
  const asked = (method: string, text: string): string =>
    showCandid(
      decodeCandid(encodeArguments(parseCandidText(text), methods.get(method)?.args)),
      namesOf('to amount memo side buy sell n rest'),
    )

  test.each([
    ['number', '(5, 5, 5)', '(5, 5, 5)'],
    ['number', '(5 : nat64, 5 : nat, -1.5)', '(5, 5, -1.5)'],
    [
      'lists',
      '(vec { 1; 255 }, vec { record { "a"; 7 } }, vec {})',
      '(blob "\\01\\ff", vec { record { "a"; 7 } }, vec {})',
    ],
    [
      'order',
      '(record { to = principal "aaaaa-aa"; amount = 5; side = variant { sell = 3 } })',
      '(record { to = principal "aaaaa-aa"; memo = null; side = variant { sell = 3 }; amount = 5 })',
    ],
    [
      'tree',
      '(opt record { n = 1; rest = opt record { n = 2; rest = null } })',
      '(opt record { n = 1; rest = opt record { n = 2; rest = null } })',
    ],
    ['maybe', '(opt null, 5)', '(opt null, opt 5)'],
    ['maybe', '()', '(null, null)'],
    ['maybe', '(opt (null : null), (5 : nat8))', '(opt null, opt 5)'],
    ['bytes', '(vec { 1; 2 })', '(blob "\\01\\02")'],
    ['bytes', '(blob "ab")', '(blob "ab")'],
    ['aAé', '(5)', '(5)'],
    ['told', '(null, 5, null, vec {})', '(null, 5, null, vec {})'],
    ['endless', '(opt opt null)', '(opt opt null)'],
  ])('is what the interface says: %s %s', (method, text, shown) => {
    expect(asked(method, text)).toBe(shown)
  })

  test.each([
    ['number', '(-5, 5, 5)', 'argument 1'],
    ['number', '(5 : nat8, 5, 5)', 'nat64'],
    ['number', '(5, 5)', 'argument 3'],
    ['tree', '(null, null)', 'too many'],
    ['lists', '(vec { 256 }, vec {}, vec {})', 'argument 1[0]'],
    ['order', '(record { to = principal "aaaaa-aa"; amount = "5"; side = variant { buy } })', 'argument 1.amount'],
    ['order', '(record { to = principal "aaaaa-aa"; amount = 5; side = variant { hold } })', 'buy | sell'],
    ['maybe', '(5)', 'argument 1'],
    ['maybe', '(null, (5 : nat64))', 'nat8'],
    ['endless', '(5)', 'argument 1'],
    ['told', '(opt record {}, 5)', 'cannot be sent'],
    ['order', '(record { too = 5; to = principal "aaaaa-aa"; amount = 5; side = variant { buy } })', 'no other fields'],
  ])('is refused where the interface says something else: %s %s', (method, text, why) => {
    expect(() => asked(method, text)).toThrow(why)
  })

  test('may be of types that name each other, however many', () => {
    const chain = Array.from({ length: 6000 }, (_, at) => `type T${at} = record { a : opt T${at + 1} };`).join('')
    const types = parseDid(`${chain} type T6000 = nat; service : { f : (T0) -> () }`).methods.get('f')?.args
    expect(encodeArguments(parseCandidText('(record {})'), types).length).toBeGreaterThan(6000)
  })
})
