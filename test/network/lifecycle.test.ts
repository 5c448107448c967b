import { describe, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { type Control, controlTags, Failure, type ModuleId, type ProcessId, toHex } from '../../protocol/index.ts'
import { controlItem, messageItem, moduleItem, tagsOf } from '../fakes/signed-items.ts'
import { crashed, TestNode, textOf } from '../fakes/test-node.ts'
import { SAMPLE_ACTOR, wat } from '../processes/actor/sample-actor.ts'
import { SAMPLE_PROGRAM } from '../processes/command/sample-program.ts'

const upgradeTo = (module: ModuleId): Control => ({
  action: 'Upgrade',
  module,
  pending: 'wait',
  keeps: true,
})

const control = (process: ProcessId, what: Control, signer = 7) => controlItem(process, controlTags(what), { signer })

/** The counter, and the same program again as another module. */
async function twoCounters(node: TestNode): Promise<[ModuleId, ModuleId]> {
  const first = await node.addStandard('counter')
  const item = await node.log.directory.module(first)
  if (item === undefined) throw new TypeError('expected a module')
  return [
    first,
    await node.addModule(item.wasm, [
      ...tagsOf({ 'Module-Format': 'actor', 'Actor-Memory': 'scratch', Second: 'yes' }),
    ]),
  ]
}

async function withHistory(node: TestNode): Promise<ProcessId> {
  const [first, second] = await twoCounters(node)
  const process = await node.spawn(first)
  await node.ask(process, { Action: 'Add', Quantity: '5' })
  await node.result(await node.submit(control(process, upgradeTo(second))))
  await node.ask(process, { Action: 'Add', Quantity: '2' })
  await node.result(await node.submit(control(process, { action: 'Snapshot', name: 'seven' })))
  await node.result(await node.submit(control(process, { action: 'Rollback', module: first, pending: 'wait' })))
  await node.ask(process, { Action: 'Add' })
  await node.result(await node.submit(control(process, upgradeTo(second), 8)))
  return process
}

const countOf = async (node: TestNode, process: ProcessId): Promise<string> =>
  textOf((await node.ask(process, { Action: 'Get' })).output)

describe('control messages on a node', () => {
  it('are admitted like any message, and verified offline with the modules they name', async () => {
    await using node = await TestNode.open()
    const process = await withHistory(node)
    expect(await countOf(node, process)).toBe('6')
    const refused = await node.node.computer.result(process, 7)
    expect(refused).toMatchObject({ status: 'error', error: { code: 'not-owner' } })
    const source = await sourceFromLog(node.log, process)
    const report = await verifyProcess(source, { steps: true })
    expect(report).toMatchObject({ ok: true, slots: 9 })
    expect(report.certified).toBe(report.frames)
    const partial = await verifyProcess(source, { to: 4, steps: true })
    expect(partial.slots).toBe(5)
    expect(toHex(partial.stateRoot)).toBe(toHex(report.steps[4]?.stateRoot ?? new Uint8Array()))
  })

  it('cannot be verified without the module they name', async () => {
    await using node = await TestNode.open()
    const process = await withHistory(node)
    const source = await sourceFromLog(node.log, process)
    const [, second] = (await node.node.computer.lifecycle(process)).changes.map(change => change.module)
    const {
      changes: [upgrade],
    } = await node.node.computer.lifecycle(process)
    expect(second).not.toBe(upgrade?.module)
    const blind = {
      ...source,
      moduleItem: async (id: ModuleId) => (id === upgrade?.module ? undefined : source.moduleItem(id)),
    }
    const report = await verifyProcess(blind)
    expect(report).toMatchObject({ ok: false, firstFault: { slot: 2 } })
    expect(report.firstFault?.what).toContain('is not at hand')
  })

  it('give the same certificates again after a crash that loses all but the feeds', async () => {
    await using node = await TestNode.open()
    const process = await withHistory(node)
    const before = await verifyProcess(await sourceFromLog(node.log, process))
    const log = await crashed(node.log)
    await using again = await TestNode.open({ log, data: node.data })
    expect(await countOf(again, process)).toBe('6')
    const after = await verifyProcess(await sourceFromLog(log, process))
    expect(after.ok).toBe(true)
    expect(after.slots).toBe(before.slots + 1)
    const { module, snapshots } = await again.node.computer.lifecycle(process)
    expect(module).toBe((await node.log.directory.process(process))?.module)
    expect(snapshots.map(({ name }) => name)).toEqual(['seven'])
  })

  it('are not admitted if they say nothing, or name a module that nobody here knows', async () => {
    await using node = await TestNode.open()
    const [first] = await twoCounters(node)
    const process = await node.spawn(first)
    const unknown = moduleItem(new Uint8Array([1]), tagsOf({ 'Module-Format': 'actor' })).id as ModuleId
    await expect(node.submit(control(process, upgradeTo(unknown)))).rejects.toThrow('No such module')
    const codeOf = async (tags: Record<string, string>): Promise<unknown> => {
      const failure = await node.submit(controlItem(process, tagsOf(tags))).catch((error: unknown) => error)
      return Failure.is(failure) ? failure.code : failure
    }
    for (const tags of [
      {},
      { Action: 'Explode' },
      { Action: 'Upgrade' },
      { Action: 'Upgrade', Module: 'short' },
      { Action: 'Upgrade', Module: first, Pending: 'maybe' },
      { Action: 'Snapshot' },
      { Action: 'Snapshot', Name: '@1' },
      { Action: 'Snapshot', Name: 'a b' },
      { Action: 'Snapshot', Name: 'x'.repeat(65) },
      { Action: 'Cancel-Timer' },
    ]) {
      expect(await codeOf(tags), JSON.stringify(tags)).toBe('bad-control')
    }
    expect((await node.ask(process, { Action: 'Add' })).slot).toBe(1)
  })

  it('are messages like others where they are not addressed to', async () => {
    await using node = await TestNode.open()
    const [first, second] = await twoCounters(node)
    const [process, other] = [await node.spawn(first), await node.spawn(first)]
    const item = control(process, upgradeTo(second))
    await node.node.messenger.submit([item.bytes])
    await expect(node.node.messenger.assign(item.id as never, other)).rejects.toThrow()
    expect((await node.node.computer.lifecycle(other)).module).toBe(first)
    const plain = messageItem(other, { tags: { Action: 'Upgrade', Module: second } })
    expect((await node.result(await node.submit(plain))).status).toBe('error')
    expect((await node.node.computer.lifecycle(other)).module).toBe(first)
  })

  it('carry the files of a command over to another program', async () => {
    await using node = await TestNode.open()
    const wasm = await wat(SAMPLE_PROGRAM)
    const first = await node.addModule(wasm, tagsOf({ 'Module-Format': 'command' }))
    const second = await node.addModule(wasm, tagsOf({ 'Module-Format': 'command', Second: 'yes' }))
    const process = await node.spawn(first)
    const count = async () => JSON.parse(textOf((await node.ask(process, {}, '0')).output))
    const before = await count()
    const upgraded = await node.result(await node.submit(control(process, upgradeTo(second))))
    expect(upgraded).toMatchObject({ status: 'ok', error: undefined })
    const after = await count()
    expect(after.reply.charCodeAt(0)).toBe(before.reply.charCodeAt(0) + 1)
    await node.result(await node.submit(control(process, { action: 'Rollback', module: first, pending: 'wait' })))
    expect(await count()).toEqual(after)
    expect((await verifyProcess(await sourceFromLog(node.log, process))).ok).toBe(true)
  })

  it('leave an actor with memory its checkpoints: chunks of before an upgrade are not of after it', async () => {
    await using node = await TestNode.open()
    const wasm = await wat(SAMPLE_ACTOR)
    const first = await node.addModule(wasm, tagsOf({ 'Module-Format': 'actor' }))
    const second = await node.addModule(wasm, tagsOf({ 'Module-Format': 'actor', 'Actor-Upgrade': 'cells' }))
    const process = await node.spawn(first)
    const ask = (what: number) => node.ask(process, {}, new Uint8Array([what]))
    for (const what of [3, 0, 0]) await ask(what)
    await node.node.computer.checkpoint(process)
    await node.result(await node.submit(control(process, upgradeTo(second))))
    await ask(0)
    await node.node.computer.checkpoint(process)
    const { memory } = await node.node.computer.memory(process)
    for (const pid of node.node.computer.hostPids) globalThis.process.kill(pid, 'SIGKILL')
    const counted = await ask(0)
    expect(counted).toMatchObject({ status: 'ok' })
    expect(await node.node.computer.checkpointsOf(process)).toEqual([4, 6])
    expect(counted.output[0]).toBe(2)
    expect(memory.length).toBe(65_536)
    expect((await verifyProcess(await sourceFromLog(node.log, process))).ok).toBe(true)
    // Rolled back it counts on from where it was.
    await node.result(await node.submit(control(process, { action: 'Rollback', module: first, pending: 'wait' })))
    await node.node.computer.checkpoint(process)
    for (const pid of node.node.computer.hostPids) globalThis.process.kill(pid, 'SIGKILL')
    expect((await ask(0)).output[0]).toBe(5)
    expect(await node.node.computer.checkpointsOf(process)).toEqual([4, 6, 8])
    expect((await verifyProcess(await sourceFromLog(node.log, process))).ok).toBe(true)
  })
})
