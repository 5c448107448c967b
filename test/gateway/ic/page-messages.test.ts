import { IDL } from '@icp-sdk/core/candid'
import { Principal } from '@icp-sdk/core/principal'
import { describe, expect, it } from 'vitest'
import { decodePagePiece, decodePageResponse, encodePageRequest } from '../../../gateway/ic/page-messages.ts'
import { headersFor, headersToldTo } from '../../../gateway/ic/page-headers.ts'
import { candidLabel, decodeCandid, MalformedBytes, toUtf8 } from '../../../protocol/index.ts'
import { leb } from '../../../protocol/candid/candid-codes.ts'
import { MUTATIONS_SEED, mutated } from '../../fakes/mutations.ts'
import { seededRandom } from '../../fakes/seeded-random.ts'

const self = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, 1, 1)
const Token = IDL.Record({ key: IDL.Text, rest: IDL.Opt(IDL.Vec(IDL.Int)) })
const Next = IDL.Func([Token], [], ['query'])
const Response = IDL.Record({
  status_code: IDL.Nat16,
  headers: IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text)),
  body: IDL.Vec(IDL.Nat8),
  upgrade: IDL.Opt(IDL.Bool),
  streaming_strategy: IDL.Opt(IDL.Variant({ Callback: IDL.Record({ token: Token, callback: Next }) })),
})
const Piece = IDL.Record({ body: IDL.Vec(IDL.Nat8), token: IDL.Opt(Token) })
const token = { key: 'a', rest: [[1n, -2n]] as [bigint[]] }
const strategy = (owner = self, method = 'next') => [
  { Callback: { token, callback: [Principal.fromUint8Array(owner), method] } },
]
const response = (more: object = {}) =>
  IDL.encode(
    [Response],
    [
      {
        status_code: 200,
        headers: [['a', 'b']],
        body: Uint8Array.of(1),
        upgrade: [],
        streaming_strategy: strategy(),
        ...more,
      },
    ],
  )

describe('messages of pages', () => {
  it('are as the standard library reads and writes them', () => {
    const Request = IDL.Record({
      method: IDL.Text,
      url: IDL.Text,
      headers: IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text)),
      body: IDL.Vec(IDL.Nat8),
      certificate_version: IDL.Opt(IDL.Nat16),
    })
    const wanted = { method: 'GET', url: '/?a', headers: [['x', 'y']] as [string, string][], body: Uint8Array.of(7) }
    expect(IDL.decode([Request], encodePageRequest(wanted, false))).toEqual([{ ...wanted, certificate_version: [2] }])
    expect(IDL.decode([Request], encodePageRequest(wanted, true))).toEqual([{ ...wanted, certificate_version: [] }])
    expect(decodePageResponse(response(), self)).toMatchObject({
      status: 200,
      headers: [['a', 'b']],
      body: Uint8Array.of(1),
      upgrades: false,
    })
    expect(decodePageResponse(response({ upgrade: [true], streaming_strategy: [] }), self)).toMatchObject({
      upgrades: true,
      more: undefined,
    })
  })

  it('hand a token back as it came, with its type', () => {
    const { more } = decodePageResponse(response(), self)
    expect(more?.method).toBe('next')
    expect(IDL.decode([Token], more?.token ?? new Uint8Array(0))).toEqual([token])
    const piece = decodePagePiece(IDL.encode([IDL.Opt(Piece)], [[{ body: Uint8Array.of(2), token: [token] }]]), 'next')
    expect(IDL.decode([Token], piece.more?.token ?? new Uint8Array(0))).toEqual([token])
    expect(decodePagePiece(IDL.encode([Piece], [{ body: Uint8Array.of(2), token: [] }]), 'next').more).toBeUndefined()
    expect(decodePagePiece(IDL.encode([IDL.Opt(Piece)], [[]]), 'next')).toEqual({
      body: new Uint8Array(0),
      more: undefined,
    })
  })

  it('are refused with another status, too many headers, or a callback of somebody else', () => {
    const refused = (more: object) => expect(() => decodePageResponse(response(more), self)).toThrow(MalformedBytes)
    for (const status_code of [0, 101, 199, 600, 65_535]) refused({ status_code })
    refused({ headers: Array.from({ length: 65 }, () => ['a', 'b']) })
    refused({ headers: [['a', 'b'.repeat(20_000)]] })
    refused({ streaming_strategy: strategy(Uint8Array.of(1)) })
    expect(() => decodePageResponse(IDL.encode([IDL.Text], ['no record']), self)).toThrow(MalformedBytes)
  })

  it('take values apart a few times only: each is a copy', () => {
    const Many = IDL.Vec(IDL.Record({ token: IDL.Nat }))
    const bytes = (count: number) => IDL.encode([Many], [Array.from({ length: count }, () => ({ token: 1n }))])
    expect(decodeCandid(bytes(8), { apart: candidLabel('token') })).toHaveLength(1)
    expect(() => decodeCandid(bytes(9), { apart: candidLabel('token') })).toThrow(MalformedBytes)
  })

  it('whose token lies in more options than anything may are refused as such', () => {
    const label = [...leb(BigInt(candidLabel('token')))]
    const types = [2, 0x6e, 0, 0x6c, 1, ...label, 0, 1, 1]
    const bytes = new Uint8Array(1_000_000).fill(1)
    bytes.set([...toUtf8('DIDL'), ...types])
    expect(() => decodeCandid(bytes, { apart: candidLabel('token') })).toThrow(MalformedBytes)
  })

  it('without a body have no length', () => {
    const headers = (status: number) =>
      headersFor(
        { status, headers: [], body: new Uint8Array(3), upgrades: false, more: undefined },
        { isApart: true, isHead: false, policy: undefined },
      )
    expect(headers(200)).toContain('content-length')
    for (const status of [204, 304]) expect(headers(status)).not.toContain('content-length')
  })

  it('at the host of the node go without what is the node’s, and are not cached for who asks otherwise', () => {
    const page = {
      status: 200,
      headers: [
        ['Set-Cookie', 'a=b'],
        ['Vary', 'Origin'],
      ] as const,
      body: new Uint8Array(0),
      upgrades: false,
      more: undefined,
    }
    const headers = (isApart: boolean) => headersFor(page, { isApart, isHead: false, policy: undefined }).join(' ')
    expect(headers(true)).toMatch(/Set-Cookie a=b Vary Origin(?!.*sec-fetch)/)
    expect(headers(false)).toMatch(/^Vary Origin .*vary accept, sec-fetch-mode/)
    const sent = [
      'Cookie',
      'session=1',
      'Authorization',
      'Bearer x',
      'Accept',
      'text/html',
      'X',
      Buffer.from('ü').toString('latin1'),
    ]
    const told = [
      ['Accept', 'text/html'],
      ['X', 'ü'],
    ]
    expect(headersToldTo(sent, false)).toEqual(told)
    expect(headersToldTo(sent, true)).toEqual([['Cookie', 'session=1'], ['Authorization', 'Bearer x'], ...told])
  })

  it('that are damaged are refused as such', () => {
    const random = seededRandom(MUTATIONS_SEED)
    for (let i = 0; i < 2_000; i++) {
      try {
        decodePageResponse(mutated([response()], random), self)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedBytes)
      }
    }
  })
})
