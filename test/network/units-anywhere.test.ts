import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { fromUtf8 } from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer, type ProcessHandle } from '../../sdk/index.ts'
import { SeveralNodes } from './several-nodes.ts'

const SEED = new Uint8Array(32).fill(12)

describe('a process scheduled on a, evaluated on b, c and d, two of which must agree, spoken to through e', () => {
  let nodes: SeveralNodes<'a' | 'b' | 'c' | 'd' | 'e'>
  let client: Client
  const modules = new Map<string, string>()

  beforeAll(async () => {
    nodes = await SeveralNodes.start(['a', 'b', 'c', 'd', 'e'])
    client = connect({ url: nodes.of('e').url, signer: ed25519Signer(SEED) })
    for (const { name, wasm, tags } of await standardModules()) {
      const plain = tags.filter(tag => tag.name !== 'Module-Format')
      modules.set(name, await client.modules.add(wasm, { format: 'actor', tags: plain }))
    }
  }, 120_000)
  afterAll(() => nodes[Symbol.asyncDispose]())

  const spawn = (name: string): Promise<ProcessHandle> =>
    client.spawn({
      module: modules.get(name) ?? '',
      schedulers: [nodes.key('a')],
      computeUnits: [nodes.key('b'), nodes.key('c'), nodes.key('d')],
      computeQuorum: 2,
    })

  it('takes messages and gives results that two units attest', async () => {
    const counter = await spawn('counter')
    const sent = await counter.send({ action: 'Add', tags: [{ name: 'Quantity', value: '5' }] })
    const result = await sent.result()
    expect(fromUtf8(result.output)).toBe('5')
    expect(result).toMatchObject({ final: true, attested: { needed: 2, of: 3 } })
    const answer = await counter.query({ action: 'Get' })
    expect(fromUtf8(answer.output)).toBe('5')
  })
})
