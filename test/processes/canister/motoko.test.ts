import { describe, expect, it } from 'vitest'
import { CanisterNet, nat, replied } from './canister-net.ts'
import { motoko, type MotokoKind } from './motoko.ts'
import { COUNTER } from './programs.ts'

const KINDS: readonly MotokoKind[] = ['wasm64', 'wasm32']

describe.each(KINDS)('Motoko, %s', kind => {
  it('counts', async () => {
    const net = new CanisterNet()
    const counter = net.installed(motoko(COUNTER, kind))
    expect(replied(net.ingress(counter, 'inc'))).toBe(1n)
    expect(replied(net.ingress(counter, 'add', nat(41)))).toBe(42n)
    expect(replied(await net.query(counter, 'get'))).toBe(42n)
    expect(net.replay(counter)).toBe(net.root(counter))
  })
})
