import { createSocket } from 'node:dgram'
import type { EventEmitter } from 'node:events'
import { mdns } from '@libp2p/mdns'
import { expect, it, onTestFinished } from 'vitest'
import { boundMdns, DatagramGate } from '../../network/host/bounded-mdns.ts'
import { silentLogger } from '../../network/host/silent-logger.ts'

/** An answer of which each of 86 records has two names of 126 labels, by pointers to the first: 1.6 ms to read, without a key. */
function costly(): Uint8Array {
  const bytes = Buffer.alloc(1_472)
  bytes.writeUInt16BE(0x84_00, 2)
  let at = 12
  const toFirst = 0xc0_00 | at
  for (let label = 0; label < 126; label++) at = bytes.writeUInt16BE(0x01_61, at)
  at += 1
  let records = 0
  for (let isFirst = true; at + 14 <= bytes.length; isFirst = false, records++) {
    if (!isFirst) at = bytes.writeUInt16BE(toFirst, at)
    for (const word of [12, 1, 0, 1, 2, toFirst]) at = bytes.writeUInt16BE(word, at)
  }
  bytes.writeUInt16BE(records, 6)
  return bytes.subarray(0, at)
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, resolve))
  const { port } = socket.address()
  await new Promise<void>(resolve => socket.close(resolve))
  return port
}

interface Started {
  readonly mdns: EventEmitter
  start(): Promise<void>
  stop(): Promise<void>
}

it('a search of the local network reads so much of what anybody sends, and no more', async () => {
  const gate = new DatagramGate(() => 0)
  const port = await freePort()
  const components = { addressManager: { getAddresses: () => [] }, logger: silentLogger }
  const service = boundMdns(mdns({ port, broadcast: false }), gate)(components as never) as unknown as Started
  await service.start()
  onTestFinished(() => service.stop())
  let read = 0
  service.mdns.on('packet', () => (read += 1))
  const attacker = createSocket('udp4')
  onTestFinished(() => void attacker.close())
  const message = costly()
  // So many find room with the system until they are read.
  const sent = 60
  for (let n = 0; n < sent; n++)
    await new Promise(resolve => attacker.send(message, port, '127.0.0.1', () => resolve(undefined)))
  await expect.poll(() => read + gate.refused).toBeGreaterThanOrEqual(sent)
  expect(read).toBeLessThanOrEqual(Math.ceil((64 * 1024) / message.length))
  expect(read).toBeGreaterThan(0)
})

it('what is left out is read again once time has passed, and what mDNS does not allow never', () => {
  let nowMs = 0
  const gate = new DatagramGate(() => nowMs)
  let taken = 0
  while (gate.takes(1_000)) taken += 1
  expect(taken).toBe(65)
  nowMs += 500
  while (gate.takes(1_000)) taken += 1
  expect(taken).toBe(98)
  nowMs += 10_000
  expect(gate.takes(9_001)).toBe(false)
  expect(gate.takes(9_000)).toBe(true)
})
