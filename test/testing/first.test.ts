import { expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'

test('a counter counts', async () => {
  await using net = await createTestNet({ seed: 7, nodes: 3, latency: ['1ms', '80ms'] })
  const start = net.now
  const counter = await net.spawn('counter', { node: 'n2', name: 'counter' })
  const sent = await counter.send({ action: 'Add', tags: [{ name: 'Quantity', value: '2' }] })
  const result = await sent.result()
  expect(result.status).toBe('ok')
  const a = await net.spawn('relay', { node: 'n1', name: 'a' })
  const b = await net.spawn('relay', { node: 'n3', name: 'b' })
  const ping = await a.send({
    action: 'Start',
    tags: [
      { name: 'Peer', value: b.id },
      { name: 'Rounds', value: '6' },
    ],
  })
  const tree = await ping.settled()
  expect(tree.settled).toBe(true)
  console.log(await net.report())
  await net.settled()
  console.log(await net.expectConverged(), net.fingerprint, net.now - start)
})
