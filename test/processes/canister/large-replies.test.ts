import { expect, it } from 'vitest'
import { principalOf } from '../../../protocol/index.ts'
import { CanisterNet } from './canister-net.ts'
import { asked, LARGE, often } from './large-messages.ts'

const MiB = 1024 * 1024
const PAYLOAD_MAX = 2 * MiB

it('users are replied to with 2 MiB by updates, with 3 by queries, and not with more', async () => {
  const net = new CanisterNet()
  const canister = net.installed(LARGE)
  expect(net.ingress(canister, 'update', asked(PAYLOAD_MAX))?.reply).toHaveLength(PAYLOAD_MAX)
  expect(net.ingress(canister, 'update', asked(PAYLOAD_MAX + 1))?.reject).toMatchObject({ code: 5, error: 'IC0504' })
  expect((await net.query(canister, 'query', asked(3 * MiB))).reply).toHaveLength(3 * MiB)
  expect((await net.query(canister, 'query', asked(3 * MiB + 1))).reject).toMatchObject({ code: 5, error: 'IC0504' })
  expect(net.ingress(canister, 'query', asked(PAYLOAD_MAX + 1))?.reject).toMatchObject({
    code: 5,
    error: 'IC0504',
    message: expect.stringMatching(
      /Canister violated contract: .*payload size \(2097153\) cannot be larger than 2097152/,
    ),
  })
  expect(net.replay(canister)).toBe(net.root(canister))
})

it('canisters tell each other 2 MiB at once, in both directions, and not more', () => {
  const net = new CanisterNet()
  const [canister, other] = [net.installed(LARGE), net.installed(LARGE)]
  for (const callee of [other, canister]) {
    const heard = (method: string, bytes: number): number[] => [
      ...(net.ingress(canister, method, asked(bytes, principalOf(callee)))?.reply ?? []),
    ]
    expect(heard('relay', PAYLOAD_MAX)).toEqual([...asked(PAYLOAD_MAX)])
    expect(heard('relay', PAYLOAD_MAX + 1)).toEqual([5])
    expect(heard('give', PAYLOAD_MAX)).toEqual([...asked(PAYLOAD_MAX)])
  }
  expect(net.ingress(canister, 'give', asked(PAYLOAD_MAX + 1, principalOf(other)))?.reject).toMatchObject({
    code: 5,
    error: 'IC0504',
    message: expect.stringMatching(/Request to .*:take has a payload size of 2097153, .* limit of 2097152/),
  })
  for (const process of [canister, other]) expect(net.replay(process)).toBe(net.root(process))
})

it('composite queries are answered by others with several MiB, up to a bound', async () => {
  const net = new CanisterNet()
  const [canister, other] = [net.installed(LARGE), net.installed(LARGE)]
  const all = (times: number) => net.query(canister, 'all', asked(often(times, 3 * MiB), principalOf(other)))
  expect((await all(5)).reply).toEqual(asked(15 * MiB))
  expect((await all(6)).reject).toMatchObject({ code: 5, error: 'IC0526' })
})

it('what one execution sends that no outbox holds goes in slots of its own, in order', () => {
  const net = new CanisterNet()
  const [canister, other] = [net.installed(LARGE), net.installed(LARGE)]
  const before = net.results.length
  expect(net.ingress(canister, 'four', asked(PAYLOAD_MAX - 4096, principalOf(other)))).toBeUndefined()
  net.pass(20_000)
  expect(net.answersSince(before).map(({ reply }) => [...(reply ?? [])])).toEqual([
    [...asked(4 * (PAYLOAD_MAX - 4096))],
  ])
  for (const process of [canister, other]) expect(net.replay(process)).toBe(net.root(process))
})
