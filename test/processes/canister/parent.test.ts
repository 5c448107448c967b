import { describe, expect, it } from 'vitest'
import {
  type CandidType,
  type CandidValue,
  encodeCandid,
  type ProcessId,
  principalOf,
  principalText,
  sha256,
} from '../../../protocol/index.ts'
import { BLOB, CanisterNet, managementArgument, replied, user } from './canister-net.ts'
import { motoko } from './motoko.ts'
import { PARENT } from './parent-program.ts'
import { COUNTER } from './programs.ts'

type Argument = readonly [CandidType, CandidValue]
const blob = (bytes: Uint8Array): Argument => [BLOB, bytes]
const principal = (bytes: Uint8Array): Argument => ['principal', { principal: bytes }]

function open(): { net: CanisterNet; parent: ProcessId; call: (method: string, ...args: Argument[]) => unknown } {
  const net = new CanisterNet()
  const parent = net.installed(motoko(PARENT))
  return { net, parent, call: (method, ...args) => replied(net.ingress(parent, method, encodeCandid(args))) }
}

const NOBODY = new Uint8Array(0)

/** The newest canister of a net. */
const newest = (net: CanisterNet): ProcessId => [...net.members.keys()].at(-1) ?? ('' as ProcessId)

describe('a canister that manages others', { timeout: 180_000 }, () => {
  it('makes one with an environment, installs code, and calls it', () => {
    const { net, parent, call } = open()
    const [child, sum] = call('raise', blob(motoko(PARENT))) as [{ principal: Uint8Array }, bigint]
    expect(sum).toBe(3n)
    expect(child).toEqual({ principal: principalOf(newest(net)) })
    expect(call('colourOf', principal(child.principal))).toEqual({ opt: 'green' })
    expect(call('env')).toEqual({ opt: undefined })
    // Two changes: it was made, and code came.
    expect(call('info', principal(child.principal))).toEqual([2n, true, [{ principal: principalOf(parent) }]])
    for (const process of net.members.keys()) expect(net.replay(process)).toBe(net.root(process))
  })

  it('gives cycles, of which the other takes what it likes, and pays with a call of the management canister', () => {
    const { net, call } = open()
    const [child] = call('raise', blob(motoko(PARENT))) as [{ principal: Uint8Array }]
    expect(call('give', principal(child.principal), ['nat', 1000n], ['nat', 400n])).toEqual([400n, 600n, 400n])
    expect(call('give', principal(child.principal), ['nat', 10n], ['nat', 400n])).toEqual([10n, 0n, 10n])
    expect(call('top', principal(child.principal), ['nat', 90n])).toEqual([5_500n, 90n])
    for (const process of net.members.keys()) expect(net.replay(process)).toBe(net.root(process))
  })

  it('installs code in another whose chunks are in its own store', () => {
    const { net, parent, call } = open()
    const wasm = motoko(COUNTER)
    expect(call('raiseFromStore', principal(principalOf(parent)), blob(wasm), blob(sha256(wasm)))).toBe(4n)
    for (const process of net.members.keys()) expect(net.replay(process)).toBe(net.root(process))
  })

  it('stops and deletes what it made, and nothing else', () => {
    const { net, call } = open()
    const [child] = call('raise', blob(motoko(COUNTER))) as [{ principal: Uint8Array }]
    const made = newest(net)
    const other = net.installed(motoko(COUNTER))
    expect(call('bury', principal(principalOf(other)))).toContain('Only controllers')
    expect(replied(net.ingress(other, 'inc'))).toBe(1n)
    expect(call('bury', principal(child.principal))).toEqual([])
    expect(net.manage(made, 'canister_status')?.reject?.error).toBe('IC0301')
    expect(call('colourOf', principal(child.principal))).toContain('not found')
  })

  it('draws numbers that differ, and is refused keys that are not here', () => {
    const { net, parent, call } = open()
    const [one, two] = call('random') as [Uint8Array, Uint8Array]
    expect(one.length).toBe(32)
    expect(one).not.toEqual(two)
    expect(call('sign')).toContain('not offered')
    expect(net.replay(parent)).toBe(net.root(parent))
  })

  it('calls the outside, and makes the answers equal by its own query', () => {
    const { net, parent, call } = open()
    const asked: unknown[] = []
    net.effects['http.fetch'] = input => {
      asked.push(input)
      return { status: 203, headers: { date: 'now', server: 'here' }, body: 'hello' }
    }
    expect(call('fetch', ['text', 'https://example.test/'])).toEqual([203n, new TextEncoder().encode('hello'), 1n])
    expect(asked).toEqual([
      { url: 'https://example.test/', method: 'GET', headers: { 'user-agent': 'ic/1.0' }, maxBytes: 10_000 },
    ])
    delete net.effects['http.fetch']
    expect(call('tryFetch', ['text', 'https://example.test/'])).toContain('no such effect')
    expect(net.replay(parent)).toBe(net.root(parent))
  })

  it('keeps users from what is for canisters alone', async () => {
    const { net, parent } = open()
    for (const method of ['canister_info', 'canister_metadata', 'deposit_cycles']) {
      const query = await net.query(parent, method, managementArgument(parent, {}), user(1), {
        'Canister-Query': 'inspect',
        Canister: principalText(NOBODY),
      })
      expect(query.reject?.error).toBe('IC0406')
    }
  })
})
