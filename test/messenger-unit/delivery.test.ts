import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MessengerUnit, type MessengerUnitParts } from '../../messenger-unit/index.ts'
import {
  asProcessId,
  type Clock,
  type Envelope,
  messagesFeed,
  type ModuleId,
  type ProcessId,
  type TraceNode,
  decodeFrame,
  pushId,
} from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { messageItem, spawnItem, tagsOf } from '../fakes/signed-items.ts'
import { crashed, TestNode, textOf } from '../fakes/test-node.ts'
import { tempFolder } from '../log/temp-folder.ts'
import { actorText, wat } from '../processes/actor/sample-actor.ts'

const realClock: Clock = {
  now: () => Date.now(),
  elapsed: () => Math.floor(performance.now()),
  sleep: (ms, { signal } = {}) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
}

/** Every envelope of a feed, in slot order. */
async function feedOf(node: TestNode, process: ProcessId): Promise<Envelope[]> {
  const description = await node.log.directory.process(process)
  if (description === undefined) throw new TypeError('expected a process')
  const blocks = await Array.fromAsync(node.log.blocks(messagesFeed(description), 0))
  return blocks.flatMap(bytes => decodeFrame(bytes).assignments.map(({ envelope }) => envelope))
}

/** Seqs of the pushes of one sender in a feed. */
const seqsIn = (feed: readonly Envelope[], from: ProcessId): number[] =>
  feed.flatMap(envelope =>
    envelope.kind === 'push' && envelope.push.core.from === from ? [envelope.push.core.seq] : [],
  )

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise(resolve => setTimeout(resolve, 10))
}

function secondMessenger(node: TestNode, changes: Partial<MessengerUnitParts> = {}): MessengerUnit {
  const { scheduler, computer } = node.node
  return new MessengerUnit({
    log: node.log,
    scheduler,
    computer,
    clock: realClock,
    random: () => 0.5,
    checkModule: async () => undefined,
    ...changes,
  })
}

describe('every push takes effect once', { timeout: 180_000 }, () => {
  it('and what others evaluate, and push, keeps no node from starting', async () => {
    await using node = await TestNode.open()
    const relay = await node.addStandard('relay')
    const [a, b] = [await node.spawn(relay), await node.spawn(relay)]
    await node.send(a, { Action: 'Start', Peer: b, Rounds: '2' })
    const resumed = async (sendsFor: boolean): Promise<readonly ProcessId[]> => {
      const asked: ProcessId[] = []
      const computer = {
        evaluated: async (process: ProcessId) => asked.push(process),
        results: async function* () {},
        catchUp: () => undefined,
      }
      await secondMessenger(node, { computer: computer as never, sendsFor: () => sendsFor }).resume()
      return asked
    }
    expect([...(await resumed(true))].sort()).toEqual([a, b].sort())
    expect(await resumed(false)).toEqual([])
  })

  it('and its tree is followed no further than one wishes, which the tree says', async () => {
    await using node = await TestNode.open()
    const relay = await node.addStandard('relay')
    const [a, b] = [await node.spawn(relay), await node.spawn(relay)]
    const { messenger } = node.node
    const { id } = await node.send(a, { Action: 'Start', Peer: b, Rounds: '20' })
    expect(await messenger.trace(id, { settled: true })).toMatchObject({ truncated: false })
    const { root, truncated } = await messenger.trace(id, { bounds: { nodes: 100, levels: 3 } })
    expect(truncated).toBe(true)
    expect(root.children[0]?.children[0]).toMatchObject({ status: 'ok', children: [], cut: 1 })
    const fan = await node.send(a, { Action: 'Fan-Out', Peer: b, Count: '9' })
    await messenger.trace(fan.id, { settled: true })
    const wide = await messenger.trace(fan.id, { bounds: { nodes: 5, levels: 3 } })
    expect(wide.root).toMatchObject({ cut: 5, children: { length: 4 } })
  })

  it('however many messengers carry it, again and again', async () => {
    await using node = await TestNode.open()
    const relay = await node.addStandard('relay')
    const [a, b] = [await node.spawn(relay), await node.spawn(relay)]
    const { id } = await node.send(a, { Action: 'Start', Peer: b, Rounds: '60' })
    await using other = secondMessenger(node)
    await using third = secondMessenger(node)
    for (let i = 0; i < 6; i++) await Promise.all([node.node.messenger.resume(), other.resume(), third.resume()])
    const { root } = await node.node.messenger.trace(id, { settled: true })
    for (let i = 0; i < 3; i++) await Promise.all([node.node.messenger.resume(), other.resume()])
    let depth = 0
    for (let one: TraceNode | undefined = root; one !== undefined; one = one.children[0]) depth += 1
    expect(depth).toBe(61)
    expect(seqsIn(await feedOf(node, b), a)).toEqual(upTo(30))
    expect(seqsIn(await feedOf(node, a), b)).toEqual(upTo(30))
  })

  it('also after a crash in the middle, with all caches gone', async () => {
    await using folder = await tempFolder()
    const data = folder.path
    let log = MemoryLog.open()
    const first = await TestNode.open({ data, log })
    const relay = await first.addStandard('relay')
    const [a, b, c] = [await first.spawn(relay), await first.spawn(relay), await first.spawn(relay)]
    const ring = await first.send(a, { Action: 'Start', Peer: b, Rounds: '300' })
    const fan = await first.send(c, { Action: 'Fan-Out', Peer: b, Count: '100' })
    await first.result(ring)
    await first.result(fan)
    log = await crashed(log)
    await first.node[Symbol.asyncDispose]()
    const second = await TestNode.open({ data, log })
    await until(async () => (await second.node.computer.evaluated(a)) > 20)
    log = await crashed(second.log)
    await second.node[Symbol.asyncDispose]()
    await using third = await TestNode.open({ data, log })
    const tree = await third.node.messenger.trace(ring.id, { settled: true, timeoutMs: 40_000 })
    const fanned = await third.node.messenger.trace(fan.id, { settled: true, timeoutMs: 40_000 })
    expect([tree.settled, fanned.root.children.length]).toEqual([true, 100])
    expect(seqsIn(await feedOf(third, b), a)).toEqual(upTo(150))
    expect(seqsIn(await feedOf(third, a), b)).toEqual(upTo(150))
    expect(seqsIn(await feedOf(third, b), c)).toEqual(upTo(100))
  })

  it('and a restart in good order leaves nothing to do', async () => {
    await using folder = await tempFolder()
    const data = folder.path
    const log = MemoryLog.open()
    log[Symbol.asyncDispose] = async () => undefined
    const first = await TestNode.open({ data, log })
    const counter = await first.addStandard('counter')
    const process = await first.spawn(counter)
    for (let i = 0; i < 5; i++) await first.ask(process, { Action: 'Add' })
    await first.node[Symbol.asyncDispose]()
    const commits = log.commits
    await using second = await TestNode.open({ data, log })
    expect(textOf((await second.result({ process, slot: 5 })).output)).toBe('5')
    expect(log.commits).toBe(commits)
    expect(textOf((await second.ask(process, { Action: 'Add' })).output)).toBe('6')
  })
})

describe('a push whose way is blocked', { timeout: 180_000 }, () => {
  let node: TestNode
  let relay: ModuleId

  beforeAll(async () => {
    node = await TestNode.open()
    relay = await node.addStandard('relay')
  })

  afterAll(() => node[Symbol.asyncDispose]())

  it('to somebody who is spawned a little later arrives', async () => {
    const a = await node.spawn(relay)
    const spawn = spawnItem(relay, node.node.key)
    const late = asProcessId(spawn.id)
    const { id } = await node.send(a, { Action: 'Fan-Out', Peer: late, Count: '3' })
    const before = await node.node.messenger.trace(id)
    await node.result({ process: a, slot: 1 })
    expect(before.root.children.every(({ status }) => status === 'external')).toBe(true)
    await node.submit(spawn)
    const trace = await node.node.messenger.trace(id, { settled: true })
    expect(trace.root.children.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok'])
    expect(seqsIn(await feedOf(node, late), a)).toEqual([0, 1, 2])
  })

  it('is brought back when its pair is heard of again: what was let go fills the gap', async () => {
    await using slow = await TestNode.open()
    const { computer, scheduler, messenger } = slow.node
    const module = await slow.addStandard('relay')
    const a = await slow.spawn(module)
    const spawn = spawnItem(module, slow.node.key)
    const late = asProcessId(spawn.id)
    const { slot } = await slow.send(a, { Action: 'Fan-Out', Peer: late, Count: '4' })
    await slow.result({ process: a, slot })
    await messenger[Symbol.asyncDispose]()
    await scheduler.schedule([{ process: late, envelope: { kind: 'item', item: spawn.bytes } }])
    const more = messageItem(a, { tags: { Action: 'Fan-Out', Peer: late, Count: '2' } })
    await scheduler.schedule([{ process: a, envelope: { kind: 'item', item: more.bytes } }])
    const { result, proof } = await computer.certified(a, slot + 1)
    const description = await slow.log.directory.process(a)
    if (description === undefined) throw new TypeError('expected a process')
    // This messenger hears of the later slot only.
    await using fresh = secondMessenger(slow)
    fresh.evaluated(description, proof.certificate, [result])
    await until(async () => seqsIn(await feedOf(slow, late), a).length === 6)
    expect(seqsIn(await feedOf(slow, late), a)).toEqual(upTo(6))
  })

  it('to nobody is let go after a while, and tried no more', async () => {
    await using slow = await TestNode.open()
    const a = await slow.spawn(await slow.addStandard('relay'))
    const { slot } = await slow.send(a, { Action: 'Fan-Out', Peer: fakeId(93), Count: '4' })
    const { result, proof } = await slow.node.computer.certified(a, slot)
    const description = await slow.log.directory.process(a)
    if (description === undefined) throw new TypeError('expected a process')
    let [nowMs, sleeps] = [0, 0]
    const sleepFast = async (ms: number): Promise<void> => {
      sleeps += 1
      nowMs += ms
    }
    await using hasty = secondMessenger(slow, { clock: { now: () => nowMs, elapsed: () => nowMs, sleep: sleepFast } })
    hasty.evaluated(description, proof.certificate, [result])
    await until(async () => nowMs > 10_000)
    await settle()
    const before = sleeps
    await settle()
    expect(sleeps).toBe(before)
  })

  it('does not hold up what its sender says to others', async () => {
    const [a, b] = [await node.spawn(relay), await node.spawn(relay)]
    const nobody = fakeId(90)
    const { id } = await node.send(a, { Action: 'Fan-Out', Peer: nobody, Count: '2' })
    const other = await node.send(a, { Action: 'Fan-Out', Peer: b, Count: '2' })
    const trace = await node.node.messenger.trace(other.id, { settled: true })
    expect(trace.root.children.map(({ status }) => status)).toEqual(['ok', 'ok'])
    const external = await node.node.messenger.trace(id, { settled: true })
    expect(external.settled).toBe(true)
    expect(external.root.children.map(({ status }) => status)).toEqual(['external', 'external'])
  })
})

describe('a tree of messages', { timeout: 180_000 }, () => {
  let node: TestNode

  beforeAll(async () => {
    node = await TestNode.open()
  })

  afterAll(() => node[Symbol.asyncDispose]())

  it('shows errors where they happened, and is settled all the same', async () => {
    const [relay, counter] = [
      await node.spawn(await node.addStandard('relay')),
      await node.spawn(await node.addStandard('counter')),
    ]
    const { id } = await node.send(relay, { Action: 'Fan-Out', Peer: counter, Count: '2' })
    const { root, settled } = await node.node.messenger.trace(id, { settled: true })
    expect(settled).toBe(true)
    expect(root).toMatchObject({ id, status: 'ok', kind: 'message', label: 'Fan-Out' })
    expect(root.children.map(({ status, label }) => [status, label])).toEqual([
      ['error', 'Note'],
      ['error', 'Note'],
    ])
    expect(
      root.children.every(({ error, gas, slot }) => error !== undefined && (gas ?? 0n) > 0n && slot !== undefined),
    ).toBe(true)
  })

  it('shows what is not evaluated yet, and says that it still grows', async () => {
    const missing = await node.submit(spawnItem(await node.addStandard('relay'), node.node.key))
    await node.node.messenger.trace(missing.id, { settled: true })
    const relay = await node.spawn(await node.addStandard('relay'))
    const stuck = spawnItem(fakeId(61), node.node.key)
    const target = asProcessId(stuck.id)
    await node.node.scheduler.schedule([{ process: target, envelope: { kind: 'item', item: stuck.bytes } }])
    const { id } = await node.send(relay, { Action: 'Fan-Out', Peer: target })
    await until(async () => (await node.node.messenger.trace(id)).root.children[0]?.status === 'scheduled')
    const trace = await node.node.messenger.trace(id)
    expect(trace.settled).toBe(false)
    await expect(node.node.messenger.trace(id, { settled: true, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'timeout',
    })
    await expect(node.node.messenger.trace(id, { settled: true, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
    await expect(node.node.messenger.trace(pushId(new Uint8Array(3)))).rejects.toMatchObject({
      code: 'unknown-message',
    })
  })

  it('follows spawns by processes, and what parents say to their children', async () => {
    const child = await node.addStandard('counter')
    const head = (name: number, tags: number, data: number): string =>
      [name, 0, tags, data, 0xffffffff]
        .map(n => [0, 8, 16, 24].map(shift => `\\${((n >>> shift) & 255).toString(16).padStart(2, '0')}`).join(''))
        .join('')
    const parent = actorText(
      '(if (i32.eq (i32.load8_u (i32.const 4097)) (i32.const 1)) (then (call $spawn (i32.const 512) (i32.const 63) (i32.const 0)) (call $spawn (i32.const 512) (i32.const 63) (i32.const 64))))',
      `(data (i32.const 512) "${head(43, 0, 0)}${child}")`,
    )
    const process = await node.spawn(await node.addModule(await wat(parent), tagsOf({ 'Module-Format': 'actor' })))
    const receipt = await node.send(process)
    const { root, settled } = await node.node.messenger.trace(receipt.id, { settled: true })
    expect(settled).toBe(true)
    expect(root.children.map(({ kind, status, slot }) => [kind, status, slot])).toEqual([
      ['spawn', 'ok', 0],
      ['spawn', 'ok', 0],
    ])
    const [one] = root.children
    const description = one && (await node.log.directory.process(one.process))
    expect(description).toMatchObject({ parent: process, owner: process, module: child })
    expect(textOf((await node.ask(one?.process ?? process, { Action: 'Add' })).output)).toBe('1')
  })
})

describe('intake', { timeout: 180_000 }, () => {
  it('answers every item for itself, in order', async () => {
    await using node = await TestNode.open()
    const counter = await node.addStandard('counter')
    const process = await node.spawn(counter)
    const good = messageItem(process, { tags: { Action: 'Add' }, data: 'hello' })
    const forged = good.bytes.slice()
    forged[forged.length - 1] = 1
    const answers = await node.node.messenger.submit([
      good.bytes,
      new Uint8Array(4),
      messageItem(fakeId(91)).bytes,
      spawnItem(fakeId(92), node.node.key).bytes,
      forged,
      good.bytes,
    ])
    expect(answers.map(one => ('code' in one ? one.code : 'slot' in one ? one.slot : 'module'))).toEqual([
      1,
      'malformed-item',
      'unknown-process',
      'unknown-module',
      'id-reused',
      1,
    ])
  })

  it('lets actors take no assigned messages', async () => {
    await using node = await TestNode.open()
    const counter = await node.addStandard('counter')
    const [a, b] = [await node.spawn(counter), await node.spawn(counter)]
    const { id, slot } = await node.send(a, { Action: 'Add' })
    await expect(node.node.messenger.assign(id, b)).rejects.toMatchObject({
      code: 'not-assignable',
    })
    await expect(node.node.messenger.assign(pushId(new Uint8Array(5)), b)).rejects.toMatchObject({
      code: 'unknown-message',
    })
    expect(slot).toBe(1)
  })
})
