import { beforeEach, expect, it } from 'vitest'
import { OUTBOX_MAX } from '../../../protocol/index.ts'
import { dataOf, StandardDriver, sentTag } from './standard-driver.ts'

let relay: StandardDriver
beforeEach(async () => {
  relay = await StandardDriver.spawn('relay', 'ann')
})

it('sends the first ping, and answers every ping of a process with one', () => {
  const [first] = relay.send('ann', 'Start', 'Peer', 'peer').sent
  expect([first?.to, sentTag(first, 'Action')]).toEqual(['peer', 'Ping'])
  const [next] = relay.push('peer', 'Ping').sent
  expect([next?.to, sentTag(next, 'Action'), sentTag(next, 'Rounds')]).toEqual(['peer', 'Ping', undefined])
})

it('stops when the rounds are used up', () => {
  const rounds = [relay.send('ann', 'Start', 'Peer', 'peer', 'Rounds', '3')]
  for (let at = 0; at < 3; at++) {
    const left = sentTag(rounds.at(-1)?.sent[0], 'Rounds') ?? '0'
    rounds.push(relay.push('peer', 'Ping', 'Rounds', left))
  }
  expect(rounds.map(({ sent }) => sent.length)).toEqual([1, 1, 1, 0])
})

it('answers the ping of a person with its output only', () => {
  const { sent, output } = relay.send('ann', 'Ping')
  expect([sent.length, output]).toEqual([0, 'Pong'])
})

it('sends notes to many', () => {
  const { sent } = relay.send('ann', 'Fan-Out', 'Count', '2', 'Peer', 'a', 'Peer', 'b')
  expect(sent.map(({ to }) => to)).toEqual(['a', 'a', 'b', 'b'])
})

it('ends at the limit of an outbox', () => {
  const most = relay.send('ann', 'Fan-Out', 'Count', String(OUTBOX_MAX), 'Peer', 'a')
  expect(most.sent).toHaveLength(OUTBOX_MAX)
  const over = relay.send('ann', 'Fan-Out', 'Count', String(OUTBOX_MAX + 1), 'Peer', 'a')
  expect(over.error).toMatch(/^outbox-limit: /)
})

it('gives data back, of any length', () => {
  const text = 'ö€'.repeat(60_000)
  const { output, sent } = relay.deliver({
    from: 'ann',
    tags: [{ name: 'Action', value: 'Echo' }],
    data: dataOf(text),
  })
  expect(output).toBe(text)
  expect(sent).toEqual([])
})

it('refuses what it does not understand', () => {
  expect(relay.send('ann', 'Start').error).toContain('Peer is required!')
  expect(relay.send('ann', 'Start', 'Peer', 'p', 'Rounds', 'x').error).toContain('no number')
  expect(relay.send('ann', 'Fan-Out', 'Count', '', 'Peer', 'p').error).toContain('expected a number')
  expect(relay.send('ann', 'Dance').error).toBe('abort: Unknown Action')
})
