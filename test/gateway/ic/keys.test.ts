import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { IcKeys } from '../../../gateway/index.ts'
import { createNode } from '../../../node/index.ts'

const seed = (filler: number): Uint8Array => new Uint8Array(32).fill(filler)

it('makes no key of BLS when a node starts, and the same one each time a client looks at it', async () => {
  const looks = (['rootKey', 'subnetKey'] as const).map(name => vi.spyOn(IcKeys.prototype, name, 'get'))
  const data = await mkdtemp(join(tmpdir(), 'atoll-ic-keys-'))
  onTestFinished(() => rm(data, { recursive: true }))
  await using node = await createNode({ data, port: 0 })
  for (const look of looks) expect(look).not.toHaveBeenCalled()

  const status = async () => Buffer.from(await (await fetch(`${node.url}/api/v2/status`)).arrayBuffer())
  const first = await status()
  expect(await status()).toEqual(first)
  for (const look of looks) expect(look).toHaveBeenCalled()
  expect(first.includes(Buffer.from(looks[0]?.mock.results[0]?.value ?? []))).toBe(true)
})

it('has one key where the root is its own, and two where nodes share one', () => {
  const [alone, shared] = [new IcKeys(seed(1)), new IcKeys(seed(1), seed(2))]
  expect([alone.rootKey, alone.rootSecret]).toEqual([alone.subnetKey, undefined])
  expect(shared.rootKey).toEqual(new IcKeys(seed(2)).rootKey)
  expect(shared.subnetKey).not.toEqual(shared.rootKey)
  expect(shared.subnetKey).not.toEqual(alone.subnetKey)
})
