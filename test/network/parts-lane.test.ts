import { expect, test } from 'vitest'
import { PartsLane, queueMaxBytes } from '../../network/links/parts-lane.ts'
import { PEER_QUEUE_MAX_BYTES, PEERS_MAX, PEERS_QUEUE_MAX_BYTES } from '../../protocol/index.ts'

test('what waits for one peer is bounded, and the less the more peers there are', () => {
  let links = 1
  const stream = { send: () => undefined, waitingBytes: 1024 * 1024 }
  const lane = new PartsLane(stream, () => queueMaxBytes(links))
  expect([queueMaxBytes(links), lane.isFull]).toEqual([PEER_QUEUE_MAX_BYTES, false])
  links = PEERS_MAX
  expect([queueMaxBytes(links) * links, lane.isFull]).toEqual([PEERS_QUEUE_MAX_BYTES, true])
})
