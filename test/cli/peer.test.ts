import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Network } from '../../network/index.ts'
import { AtollProgram } from './atoll-program.ts'

it('atoll peer adds, shows, pings and blocks other nodes, for whoever has the token', {
  timeout: 180_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-peer-'))
  const env = { ATOLL_HOME: join(folder, 'home'), ATOLL_DATA: join(folder, 'data') }
  const node = new AtollProgram(['up', '--port', '0', '--listen', '0', '-o', 'ndjson'], env)
  const other = await Network.open({
    seed: new Uint8Array(32).fill(4),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    peers: [],
    trouble: () => undefined,
  })
  onTestFinished(async () => {
    await Promise.all([node[Symbol.asyncDispose](), other[Symbol.asyncDispose]()])
    await rm(folder, { recursive: true })
  })
  const [, url = ''] = await node.until(/"url":"([^"]+)"/)
  expect(node.stdout).toMatch(/"peerId":"12D3Koo\w+","addresses":\["\/ip4\/127.0.0.1\/tcp\/\d+\/p2p\/12D3Koo\w+"\]/)

  const run = async (
    words: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> => {
    await using program = new AtollProgram(['peer', ...words, '--url', url, '-o', 'json'], { ...env, ...more })
    return { code: await program.ended(), stdout: program.stdout, stderr: program.stderr }
  }
  const peers = async (): Promise<readonly object[]> =>
    (JSON.parse((await run(['list'])).stdout) as { peers: object[] }).peers

  expect(await peers()).toEqual([])
  expect((await run(['add', other.addresses[0] ?? ''])).code).toBe(0)
  while (other.peers.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
  expect(await peers()).toMatchObject([
    { key: other.key, peerId: other.peerId, state: 'linked', kept: true, direction: 'outbound', offences: 0 },
  ])
  expect(JSON.parse((await run(['ping', other.peerId])).stdout)).toMatchObject({
    peer: other.peerId,
    ms: expect.any(Number),
  })
  for (const [words, step] of [
    [['block', 'nonsense'], 'atoll peer list shows the keys'],
    [['add', '127.0.0.1:7334'], 'prints its addresses'],
  ] as const) {
    const { code, stderr } = await run(words)
    expect([code > 0, stderr]).toEqual([true, expect.stringContaining(step)])
  }
  await run(['block', other.key])
  expect(await peers()).toMatchObject([{ key: other.key, state: 'blocked' }])
  await run(['unblock', other.key])
  expect(await peers()).toMatchObject([{ key: other.key, state: expect.stringMatching(/linked|connected|dialling/) }])
  expect((await run(['list'], { ATOLL_ADMIN_TOKEN: 'a-token-of-somebody-else' })).code).not.toBe(0)
})
