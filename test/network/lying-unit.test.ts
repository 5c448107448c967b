import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { Failure, fromUtf8 } from '../../protocol/index.ts'
import { connect, ed25519Signer } from '../../sdk/index.ts'
import { SeveralNodes } from './several-nodes.ts'

const LIAR = fileURLToPath(new URL('programs/lying-node-program.ts', import.meta.url))
const LIE_AFTER = 500

it('one compute unit of three lies about the state after slot 500: two go on, it is shown to everybody, nobody agrees with it', async () => {
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
    .poll(async () => JSON.stringify(await b.transport.request('listEvidence', { process: counter.id })), {
      timeout: 60_000,
    })
    .toContain(nodes.key('c'))
})

it('the only unit of a process lies: whoever schedules it looks at what it says, shows it, and takes its word no more', async () => {
  process.env['LIE_AFTER'] = '5'
  await using nodes = await SeveralNodes.start(['a', 'b', 'c'], { programs: { c: LIAR }, spotChecks: 1 })
  const client = connect({ url: nodes.of('a').url, signer: ed25519Signer(new Uint8Array(32).fill(6)) })
  const counterModule = (await standardModules()).find(({ name }) => name === 'counter')
  if (counterModule === undefined) throw new Error('no counter')
  const tags = counterModule.tags.filter(({ name }) => name !== 'Module-Format')
  const module = await client.modules.add(counterModule.wasm, { format: 'actor', tags })
  const counterOf = (unit: 'b' | 'c') =>
    client.spawn({ module, policy: { compute: { units: [nodes.key(unit)], agree: 1 } } })
  const [honest, lied] = [await counterOf('b'), await counterOf('c')]
  const evidence = async (id: string) =>
    JSON.stringify(await client.transport.request('listEvidence', { process: id as never }))
  for (let sent = 1; sent <= 12; sent++) {
    for (const { id } of [honest, lied]) {
      const message = { process: id, action: 'Add' } as const
      const { slot } = await client.send(message)
      // Every frame is picked; what is shown before the lie would be no lie.
      if (sent <= 3) expect((await client.result(id, slot, { timeoutMs: 60_000 })).final).toBe(true)
    }
  }
  await expect.poll(() => evidence(lied.id), { timeout: 60_000 }).toContain(nodes.key('c'))
  expect((await client.result(honest.id, 12, { timeoutMs: 60_000 })).final).toBe(true)
  expect(await evidence(honest.id)).not.toContain(nodes.key('b'))
  // Asked once: a client asks again, since units may come back.
  const refused = await client.transport.request('result', { process: lied.id, at: 12 }).catch(Failure.from)
  expect(refused).toMatchObject({ code: 'no-agreement' })
  const metrics = async () => (await fetch(`${nodes.of('a').url}/metrics`)).text()
  for (const outcome of ['same', 'different'])
    await expect
      .poll(metrics, { timeout: 60_000 })
      .toMatch(new RegExp(`atoll_spot_checks_total\\{outcome="${outcome}"\\} [1-9]`))
})
