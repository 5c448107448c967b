import { describe, expect, it } from 'vitest'
import { encodeCandid, principalOf, toHex } from '../../../protocol/index.ts'
import { CanisterNet, nat, outputOf, principalArg, replied, user } from './canister-net.ts'
import { motoko, type MotokoKind } from './motoko.ts'
import { CALLER, COUNTER, HEARTBEAT, INSPECT, KEY_VALUE, SPIN, TIMERS } from './programs.ts'

const KINDS: readonly MotokoKind[] = ['wasm64', 'wasm32']
const text = (...values: string[]) => encodeCandid(values.map(value => ['text', value] as const))

describe.each(KINDS)('Motoko, %s', { timeout: 180_000 }, kind => {
  const program = (source: string) => motoko(source, kind)

  it('counts, and knows who calls', async () => {
    const net = new CanisterNet()
    const counter = net.installed(program(COUNTER))
    expect(replied(net.ingress(counter, 'inc'))).toBe(1n)
    expect(replied(net.ingress(counter, 'add', nat(41)))).toBe(42n)
    expect(replied(await net.query(counter, 'get'))).toBe(42n)
    expect(replied(net.ingress(counter, 'who', undefined, user(3)))).toEqual({ principal: user(3) })
    expect(net.replay(counter)).toBe(net.root(counter))
  })

  it('takes back what a trap did, and says why it trapped', async () => {
    const net = new CanisterNet()
    const counter = net.installed(program(COUNTER))
    net.ingress(counter, 'inc')
    const answer = net.ingress(counter, 'boom')
    expect(answer?.reject).toMatchObject({ code: 5, error: 'IC0503' })
    expect(answer?.reject?.message).toContain('assertion failed')
    expect(net.results.at(-1)?.result).toMatchObject({ status: 'error', error: { code: 'IC0503' } })
    expect(replied(await net.query(counter, 'get'))).toBe(1n)
    expect(replied(net.ingress(counter, 'inc'))).toBe(2n)
    expect(net.replay(counter)).toBe(net.root(counter))
  })

  it('keeps keys and values', async () => {
    const net = new CanisterNet()
    const store = net.installed(program(KEY_VALUE))
    for (let n = 0; n < 20; n++) net.ingress(store, 'put', text(`key ${n}`, `value ${n}`))
    expect(replied(await net.query(store, 'get', text('key 7')))).toEqual({ opt: 'value 7' })
    expect(replied(await net.query(store, 'size'))).toBe(20n)
    expect(net.replay(store)).toBe(net.root(store))
  })

  it('waits for others: one after the other, at once, in a loop, and for itself', () => {
    const net = new CanisterNet()
    const counter = net.installed(program(COUNTER))
    const caller = net.installed(program(CALLER))
    expect(replied(net.ingress(caller, 'twice', principalArg(counter)))).toEqual([1n, 2n])
    expect(replied(net.ingress(caller, 'parallel', principalArg(counter)))).toBe(7n)
    const loop = encodeCandid([
      ['principal', { principal: principalOf(counter) }],
      ['nat', 30n],
    ])
    expect(replied(net.ingress(caller, 'repeat', loop))).toBe(34n)
    expect(replied(net.ingress(caller, 'local'))).toBe(42n)
    for (const process of [counter, caller]) expect(net.replay(process)).toBe(net.root(process))
  })

  it('catches what another rejects, and keeps what it did before it waited', async () => {
    const net = new CanisterNet()
    const counter = net.installed(program(COUNTER))
    const caller = net.installed(program(CALLER))
    expect(replied(net.ingress(caller, 'tryBoom', principalArg(counter)))).toContain('assertion failed')
    expect(net.ingress(caller, 'trapAfterAwait', principalArg(counter))?.reject?.error).toBe('IC0503')
    expect(replied(await net.query(caller, 'getDone'))).toBe(2n)
    expect(replied(await net.query(counter, 'get'))).toBe(1n)
    for (const process of [counter, caller]) expect(net.replay(process)).toBe(net.root(process))
  })

  it('asks others in a composite query', async () => {
    const net = new CanisterNet()
    const counter = net.installed(program(COUNTER))
    const caller = net.installed(program(CALLER))
    net.ingress(counter, 'add', nat(7))
    const before = net.root(caller)
    expect(replied(await net.query(caller, 'peek', principalArg(counter)))).toBe(7n)
    expect(net.root(caller)).toBe(before)
    expect(net.ingress(caller, 'peek', principalArg(counter))?.reject?.error).toBe('IC0527')
  })

  it('has its timers and its heartbeat', async () => {
    const net = new CanisterNet()
    const timers = net.installed(program(TIMERS))
    net.ingress(timers, 'start')
    net.ingress(timers, 'once')
    net.pass(9_500)
    expect(replied(await net.query(timers, 'get'))).toBe(104n)
    const heart = net.installed(program(HEARTBEAT))
    net.pass(5_500)
    expect(replied(await net.query(heart, 'get'))).toBe(5n)
    net.manage(heart, 'stop_canister')
    net.pass(5_000)
    net.manage(heart, 'start_canister')
    expect(replied(await net.query(heart, 'get'))).toBe(5n)
    for (const process of [timers, heart]) expect(net.replay(process)).toBe(net.root(process))
  })

  it('looks at messages before they are taken, and certifies data', async () => {
    const net = new CanisterNet()
    const canister = net.installed(program(INSPECT))
    const inspect = async (method: string, sender: Uint8Array) =>
      (
        await net.query(canister, method, encodeCandid(method === 'set' ? [['nat32', 1n]] : []), sender, {
          'Canister-Query': 'inspect',
        })
      ).reject?.error
    expect(await inspect('set', user(1))).toBeUndefined()
    // Motoko says no by a trap.
    expect(await inspect('set', Uint8Array.of(4))).toBe('IC0503')
    expect(await inspect('deny', user(1))).toBe('IC0503')
    expect(await inspect('nothing', user(1))).toBe('IC0536')
    net.ingress(canister, 'set', encodeCandid([['nat32', 7n]]))
    const certified = outputOf(net.results.at(-1)?.result.output ?? new Uint8Array(0)).certified
    expect(toHex(certified ?? new Uint8Array(0))).toBe('00010203')
    expect(replied(await net.query(canister, 'cert'))).toEqual({ opt: undefined })
    expect(replied(await net.query(canister, 'cert', undefined, user(1), {}, Uint8Array.of(1, 2, 3)))).toEqual({
      opt: Uint8Array.of(1, 2, 3),
    })
    expect(replied(net.ingress(canister, 'balance'))).toBe(1_000_000_000_000_000n)
  })

  it('is stopped in a loop without end, and loses nothing', async () => {
    const net = new CanisterNet()
    const spin = net.installed(program(SPIN))
    const answer = net.ingress(spin, 'spin')
    expect(answer?.reject).toMatchObject({ code: 5, error: 'IC0522' })
    expect(replied(await net.query(spin, 'get'))).toBe(0n)
    net.ingress(spin, 'growAndTrap')
    expect(replied(await net.query(spin, 'get'))).toBe(0n)
    expect(replied(net.ingress(spin, 'grow'))).toBe(4_000_000n)
    expect(net.replay(spin)).toBe(net.root(spin))
  })
})
