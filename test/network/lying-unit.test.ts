import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { fromUtf8 } from '../../protocol/index.ts'
import { connect, ed25519Signer } from '../../sdk/index.ts'
import { SeveralNodes } from './several-nodes.ts'

const LIAR = fileURLToPath(new URL('programs/lying-node-program.ts', import.meta.url))
const LIE_AFTER = 500

it('one compute unit of three lies about the state after slot 500: two go on, it is shown to everybody, nobody agrees with it', {
  timeout: 240_000,
}, async () => {
  process.env['LIE_AFTER'] = String(LIE_AFTER)
  await using nodes = await SeveralNodes.start(['a', 'b', 'c', 'd'], { programs: { c: LIAR } })
  const client = connect({ url: nodes.of('a').url, signer: ed25519Signer(new Uint8Array(32).fill(5)) })
  const counterModule = (await standardModules()).find(({ name }) => name === 'counter')
  if (counterModule === undefined) throw new Error('no counter')
  const tags = counterModule.tags.filter(({ name }) => name !== 'Module-Format')
  const counter = await client.spawn({
    module: await client.modules.add(counterModule.wasm, { format: 'actor', tags }),
    policy: { compute: { units: ['b', 'c', 'd'].map(name => nodes.key(name as 'b')), agree: 2 } },
  })
  for (let sent = 0; sent < LIE_AFTER + 40; sent += 60) {
    await client.sendMany(Array.from({ length: 60 }, () => ({ process: counter.id, action: 'Add' })))
  }
  const honest = [nodes.key('b'), nodes.key('d')].sort()
  for (const name of ['a', 'b', 'd'] as const) {
    const there = connect({ url: nodes.of(name).url })
    expect((await there.result(counter.id, LIE_AFTER - 100, { timeoutMs: 60_000 })).final).toBe(true)
    const after = await there.result(counter.id, LIE_AFTER + 40, { timeoutMs: 60_000 })
    expect([after.final, fromUtf8(after.output)]).toEqual([true, String(LIE_AFTER + 40)])
    expect([...after.attested.by].sort()).toEqual(honest)
  }
  const b = connect({ url: nodes.of('b').url })
  await expect
    .poll(async () => JSON.stringify(await b.transport.request('listEvidence', { process: counter.id })), { timeout: 60_000 })
    .toContain(nodes.key('c'))
})
