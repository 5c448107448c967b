import { describe, expect, it } from 'vitest'
import { asProcessId, type Clock, cryptoProvider, installCrypto, type ModuleId } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { ManualClock } from '../fakes/manual-clock.ts'
import { messageItem, moduleItem } from '../fakes/signed-items.ts'
import { textOf } from '../fakes/test-node.ts'
import { PaperProcess } from '../fakes/certified-pushes.ts'
import { realClock } from '../fakes/real-clock.ts'
import { ComputeHarness, itemEnvelope, remainsOf } from './compute-harness.ts'
import { COUNT, TRAP, withHistory, wasm, hexOf } from './sample-history.ts'

/** Forgets what is in hosts, and opens everything again from what is stored. */
async function reopened(
  harness: ComputeHarness,
  store: 'kept' | 'lost' = 'kept',
  parts: { readonly clock?: Clock } = {},
): Promise<ComputeHarness> {
  return ComputeHarness.open({ log: await remainsOf(harness, store), ...parts })
}

/** Counts the signatures that are looked at, until it is disposed. */
function countedVerifications(): { count: number } & Disposable {
  const provider = cryptoProvider()
  const counted = {
    count: 0,
    [Symbol.dispose]: () => installCrypto(provider),
  }
  const ed25519Verify: typeof provider.ed25519Verify = (...signed) => {
    counted.count += 1
    return provider.ed25519Verify(...signed)
  }
  installCrypto({ ...provider, ed25519Verify })
  return counted
}

/** What a unit keeps of checkpoints. */
const checkpointsIn = ({ log }: ComputeHarness): Promise<{ key: Uint8Array; value: Uint8Array }[]> =>
  Array.fromAsync(log.store.range({ gte: Buffer.from('compute/c'), lt: Buffer.from('compute/d') }))

describe('the work of a host that dies', { timeout: 180_000 }, () => {
  it('is done again, and nothing of it is lost or changed', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 3)
    let slots = 3
    for (let stage = 0; stage < 6; stage++) {
      for (let i = 0; i < 40; i++)
        slots = 1 + (await harness.write(process, [itemEnvelope(process, {}, i % 9 === 4 ? TRAP : COUNT)]))
      const pids = harness.unit.hostPids
      expect(pids.length).toBeGreaterThan(0)
      for (let turn = 0; turn < stage * 4; turn++) await new Promise(resolve => setImmediate(resolve))
      for (const pid of pids) globalThis.process.kill(pid, 'SIGKILL')
      if (stage === 3) await harness.unit.checkpoint(process)
      await harness.unit.result(process, slots - 1)
    }
    expect(await harness.unit.evaluated(process)).toBe(243)
    await using witness = await ComputeHarness.open()
    await witness.mirror(harness, process)
    expect(hexOf(await harness.certificates(process))).toEqual(hexOf(await witness.certificates(process)))
    for (let slot = 0; slot < slots; slot++)
      expect(await harness.unit.result(process, slot)).toEqual(await witness.unit.result(process, slot))
  })
})

describe('a process that is opened again', { timeout: 180_000 }, () => {
  it('goes on from its newest checkpoint, or from slot 0 if all caches are gone, to the same state', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 20)
    await harness.unit.checkpoint(process)
    for (let i = 0; i < 5; i++) await harness.ask(process, {}, COUNT)
    const expected = await harness.ask(process, {}, COUNT)
    expect(await harness.unit.checkpointsOf(process)).toEqual([20])
    const memory = await harness.unit.memory(process)
    const certificates = hexOf(await harness.certificates(process))
    for (const store of ['kept', 'lost'] as const) {
      await using again = await reopened(harness, store)
      expect(await again.unit.result(process, 25)).toEqual(expected)
      expect(await again.unit.memory(process)).toEqual(memory)
      expect(hexOf(await again.certificates(process))).toEqual(certificates)
      for (let slot = 0; slot < 25; slot++)
        expect(await again.unit.result(process, slot)).toEqual(await harness.unit.result(process, slot))
    }
  })

  it('keeps what it evaluated again so far: whoever is killed again and again gets through all the same', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 300)
    let nowMs = 0
    // A second goes by at each look.
    const clock = Object.assign(new ManualClock(), { elapsed: () => (nowMs += 1_000) })
    await using again = await reopened(harness, 'kept', { clock })
    for (const { key } of await checkpointsIn(harness)) again.log.store.write([{ key, value: undefined }])
    expect(await again.unit.checkpointsOf(process)).toEqual([])
    await again.unit.memory(process)
    const [first = 0, ...more] = await again.unit.checkpointsOf(process)
    expect(more.length).toBeGreaterThan(0)
    expect(first).toBeLessThan(299)
    // It is killed, and what it wrote is good.
    await using third = await reopened(again, 'kept')
    expect(await third.unit.memory(process)).toEqual(await harness.unit.memory(process))
    expect(await third.unit.checkpointsOf(process)).toEqual([first, ...more])
  })

  it('looks at no signature once more of what it certified, as long as the same comes of it', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 12)
    await using again = await reopened(harness)
    for (const { key } of await checkpointsIn(harness)) again.log.store.write([{ key, value: undefined }])
    using verify = countedVerifications()
    expect(await again.unit.memory(process)).toEqual(await harness.unit.memory(process))
    expect(verify.count).toBe(0)
    // What is new is looked at.
    expect(await again.ask(process, {}, COUNT)).toMatchObject({ status: 'ok', slot: 12 })
    expect(verify.count).toBe(1)
  })

  it('looks once more at what it refused, and refuses it again', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 5)
    const { bytes } = messageItem(process, { data: COUNT })
    const forged = bytes.with(40, (bytes[40] ?? 0) ^ 1)
    const other = await withHistory(harness, 1)
    const bad = [forged, messageItem(other).bytes, new Uint8Array(50), new Uint8Array(0)]
    for (const item of bad)
      expect(await harness.put(process, { kind: 'item', item })).toMatchObject({ status: 'refused' })
    const assigned = {
      kind: 'assign' as const,
      message: { kind: 'item' as const, item: new Uint8Array(50) },
      exclude: [],
    }
    expect(await harness.put(process, assigned)).toMatchObject({ status: 'refused' })
    const repeated = itemEnvelope(process, {}, COUNT)
    expect(await harness.put(process, repeated)).toMatchObject({ status: 'ok' })
    expect(await harness.put(process, repeated)).toMatchObject({ status: 'duplicate' })
    const { slot } = await harness.ask(process, {}, COUNT)
    const memory = await harness.unit.memory(process)
    await using again = await reopened(harness)
    await again.unit.memory(other)
    const hosts = again.unit.hostPids
    expect(await again.unit.memory(process)).toEqual(memory)
    expect(again.unit.hostPids).toEqual(hosts)
    for (let at = 5; at <= slot; at++)
      expect(await again.unit.result(process, at)).toEqual(await harness.unit.result(process, at))
    expect(hexOf(await again.certificates(process))).toEqual(hexOf(await harness.certificates(process)))
    expect(again.troubles).toEqual([])
    expect(await again.ask(process, {}, COUNT)).toMatchObject({ status: 'ok', slot: slot + 1 })
  })

  it('detects every damage of its checkpoints, and uses an older one or the feed', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 12)
    await harness.unit.checkpoint(process)
    for (let i = 0; i < 6; i++) await harness.ask(process, {}, COUNT)
    await harness.unit.checkpoint(process)
    await harness.ask(process, {}, COUNT)
    const memory = await harness.unit.memory(process)
    const entries = await checkpointsIn(harness)
    expect(new Set(entries.map(({ key }) => textOf(key).split('/')[1]))).toEqual(new Set(['checkpoint', 'chunk']))
    const damages: ((value: Uint8Array) => Uint8Array | undefined)[] = [
      value => value.map((byte, i) => (i === value.length >> 1 ? byte ^ 4 : byte)),
      value => value.subarray(0, value.length - 1),
      () => undefined,
      () => new Uint8Array(0),
    ]
    const kindOf = (key: Uint8Array): string => textOf(key).split('/')[1] ?? ''
    const some = entries.filter(({ key }, i) => entries.findIndex(one => kindOf(one.key) === kindOf(key)) + 4 > i)
    for (const [i, { key, value }] of some.entries()) {
      const damage = damages[i % damages.length]
      await using again = await reopened(harness)
      again.log.store.write([{ key, value: damage?.(value) }])
      expect(await again.unit.memory(process), textOf(key).slice(0, 24)).toEqual(memory)
      if (i % 4 !== 0) continue
      const next = await again.unit.query(process, {
        from: 'a',
        owner: 'b',
        id: 'c',
        tags: [],
        data: COUNT,
      })
      expect(next.status).toBe('ok')
    }
    await using all = await reopened(harness)
    all.log.store.write(entries.map(({ key, value }) => ({ key, value: value.map(byte => byte ^ 0x55) })))
    expect(await all.unit.memory(process)).toEqual(memory)
  })

  it('keeps results and roots while it hibernates again and again', async () => {
    await using harness = await ComputeHarness.open({ residentMaxBytes: 1 })
    const module = await harness.addModule(wasm, [{ name: 'Module-Format', value: 'actor' }])
    const processes = await Promise.all([1, 2, 3].map(() => harness.spawn(module)))
    for (let round = 0; round < 600; round++) {
      for (const process of processes)
        await harness.write(process, [itemEnvelope(process, {}, round % 9 === 3 ? TRAP : COUNT)])
      if (round % 20 === 0) await harness.unit.result(processes[0] ?? asProcessId(''), round + 1)
    }
    for (const process of processes) await harness.unit.result(process, 600)
    expect(harness.troubles).toEqual([])
    const checkpoints = await Promise.all(processes.map(process => harness.unit.checkpointsOf(process)))
    // Too few slots for any other reason to write one.
    expect(checkpoints.flat().length).toBeGreaterThan(0)
    await using witness = await ComputeHarness.open()
    for (const process of processes) {
      await witness.mirror(harness, process)
      expect(hexOf(await harness.certificates(process))).toEqual(hexOf(await witness.certificates(process)))
      expect(await harness.unit.memory(process)).toEqual(await witness.unit.memory(process))
    }
  })

  it('is opened once, however many ask', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 8)
    await harness.unit.checkpoint(process)
    for (let i = 0; i < 30; i++) await harness.write(process, [itemEnvelope(process, {}, COUNT)])
    await harness.unit.result(process, 37)
    await using again = await reopened(harness)
    const asked = Array.from({ length: 10 }, (_, i) =>
      i % 3 === 0 ? again.unit.cell(process, COUNT) : again.unit.memory(process),
    )
    const more = again.put(process, itemEnvelope(process, {}, COUNT))
    await Promise.all([...asked, more])
    expect(again.troubles).toEqual([])
    expect((await more).status).toBe('ok')
  })
})

describe('a process whose module is not here', { timeout: 180_000 }, () => {
  it('waits for it, goes on when it comes, and holds up neither others nor the end of the unit', async () => {
    const item = moduleItem(wasm, [{ name: 'Module-Format', value: 'actor' }])
    const harness = await ComputeHarness.open({ clock: realClock })
    const process = await harness.spawn(item.id as ModuleId)
    await harness.write(process, [itemEnvelope(process, {}, COUNT)])
    const healthy = await withHistory(harness, 3)
    expect(await harness.unit.evaluated(healthy)).toBe(3)
    expect(await harness.unit.evaluated(process)).toBe(0)
    await harness.log.directory.addModule(item)
    expect((await harness.unit.result(process, 1)).status).toBe('ok')
    const missing = await harness.spawn(fakeId(60) as ModuleId)
    const waiting = harness.unit.result(missing, 0)
    waiting.catch(() => undefined)
    await harness[Symbol.asyncDispose]()
    await expect(waiting).rejects.toMatchObject({ code: 'shutting-down' })
  })
})

describe('results that the store lost', { timeout: 180_000 }, () => {
  it('are there again once what was certified is evaluated again, whatever may hold up what comes behind', async () => {
    await using harness = await ComputeHarness.open()
    const process = await withHistory(harness, 40)
    const expected = await Array.fromAsync(harness.unit.results(process, 0, 40))
    // Nobody knows who sent it: it waits until that is known, and the feed with it.
    const push = new PaperProcess(asProcessId(fakeId(61)), [3], 1).push(process)
    await harness.write(process, [{ kind: 'push', push, proof: undefined }])
    await using again = await reopened(harness)
    const results = again.log.store.range({ gte: Buffer.from('compute/results/'), lt: Buffer.from('compute/results0') })
    for (const { key } of [...(await Array.fromAsync(results)), ...(await checkpointsIn(harness))])
      again.log.store.write([{ key, value: undefined }])
    expect(await Array.fromAsync(again.unit.results(process, 0, 40))).toEqual(expected)
    expect(await again.unit.evaluated(process)).toBe(40)
  })
})
