import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostProgram } from '../../node/index.ts'
import {
  type Control,
  controlTags,
  type Envelope,
  encodeCertificate,
  Failure,
  fromUtf8,
  type ModuleId,
  type ProcessId,
  type Result,
  toHex,
  toUtf8,
} from '../../protocol/index.ts'
import { realClock } from '../fakes/real-clock.ts'
import { controlItem, moduleItem } from '../fakes/signed-items.ts'
import { childProcessHosts } from '../../compute-unit/index.ts'
import { ComputeHarness, itemEnvelope, remainsOf } from './compute-harness.ts'
import { paperModule, type PaperProgram } from './paper-runtime.ts'

/** Before the clock of a unit begins. */
const LONG_AGO_MS = 1_000
const PROGRAM = { ...hostProgram(), path: join(import.meta.dirname, 'paper-host.ts') }
const open = (options: Parameters<typeof ComputeHarness.open>[0] = {}): Promise<ComputeHarness> =>
  ComputeHarness.open({ openHost: childProcessHosts(PROGRAM), ...options })

let harness: ComputeHarness
let v1: ModuleId
let loud: ModuleId
let refusing: ModuleId

const addPaper = (to: ComputeHarness, program: PaperProgram): Promise<ModuleId> => {
  const { wasm, tags } = paperModule(program)
  return to.addModule(wasm, tags)
}

beforeAll(async () => {
  harness = await open()
  v1 = await addPaper(harness, { version: '1' })
  loud = await addPaper(harness, { version: '2', migrate: 'upper', prefix: 'v2 ' })
  refusing = await addPaper(harness, { version: '3', migrate: 'refuse' })
}, 180_000)

afterAll(() => harness[Symbol.asyncDispose]())

const controlEnvelope = (process: ProcessId, control: Control): Envelope => ({
  kind: 'item',
  item: controlItem(process, controlTags(control)).bytes,
})
const upgradeTo = (module: ModuleId): Control => ({
  action: 'Upgrade',
  module,
  pending: 'wait',
  keeps: true,
})
const control = (on: ComputeHarness, process: ProcessId, what: Control): Promise<Result> =>
  on.put(process, controlEnvelope(process, what))
const say = (on: ComputeHarness, process: ProcessId, word: string): Promise<Result> =>
  on.ask(process, { Action: 'Say' }, word)
const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(fromUtf8(bytes))
const wordsOf = async (on: ComputeHarness, process: ProcessId): Promise<unknown> =>
  jsonOf((await on.unit.query(process, WORDS)).output)
const WORDS = {
  from: 'me',
  owner: 'me',
  id: 'q',
  tags: [{ name: 'Action', value: 'Words' }],
  data: toUtf8(''),
}

const certificatesOf = async (of: ComputeHarness, process: ProcessId, unit = 2): Promise<string[]> =>
  (await of.certificates(process, unit)).map(one => toHex(encodeCertificate(one)))

/** A process that was upgraded, rolled back, restored and upgraded again, with messages between. */
async function withHistory(on: ComputeHarness): Promise<ProcessId> {
  const process = await on.spawn(v1)
  await say(on, process, 'one')
  await control(on, process, { action: 'Snapshot', name: 'early' })
  await control(on, process, upgradeTo(refusing))
  await control(on, process, upgradeTo(loud))
  await say(on, process, 'two')
  await control(on, process, { action: 'Rollback', module: v1, pending: 'reject' })
  await say(on, process, 'three')
  await control(on, process, { action: 'Restore', name: 'early', pending: 'wait' })
  await control(on, process, upgradeTo(loud))
  await say(on, process, 'four')
  return process
}

/** A node whose hosts are gone, opened again. */
const reopened = async (of: ComputeHarness, store: 'kept' | 'lost'): Promise<ComputeHarness> =>
  open({ log: await remainsOf(of, store) })

describe('an upgraded process', { timeout: 180_000 }, () => {
  it('answers with its new module, and tells which that is and since when', async () => {
    const process = await withHistory(harness)
    expect(await wordsOf(harness, process)).toEqual(['SPAWNED', 'ONE', 'four'])
    const { module, changes, snapshots } = await harness.unit.lifecycle(process)
    expect(module).toBe(loud)
    expect(changes.map(change => [change.module, change.slot])).toEqual([
      [loud, 4],
      [v1, 6],
      [loud, 9],
    ])
    expect(snapshots.map(({ name }) => name)).toEqual(['early', '@9'])
  })

  it.each(['kept', 'lost'] as const)(
    'goes on after a restart with its store %s, and certifies the same',
    async store => {
      const process = await withHistory(harness)
      await harness.unit.checkpoint(process)
      const before = await certificatesOf(harness, process)
      await using again = await reopened(harness, store)
      expect(await wordsOf(again, process)).toEqual(['SPAWNED', 'ONE', 'four'])
      expect(await certificatesOf(again, process)).toEqual(before)
      const rolled = await control(again, process, {
        action: 'Rollback',
        module: v1,
        pending: 'wait',
      })
      expect(rolled.status).toBe('ok')
      expect(await wordsOf(again, process)).toEqual(['spawned', 'one'])
      expect((await again.unit.lifecycle(process)).module).toBe(v1)
    },
  )

  it('is opened from any checkpoint, before and after its upgrades', async () => {
    const process = await harness.spawn(v1)
    const checkpoints = async (): Promise<void> => harness.unit.checkpoint(process)
    await say(harness, process, 'one')
    await checkpoints()
    await control(harness, process, upgradeTo(loud))
    await checkpoints()
    await say(harness, process, 'two')
    await checkpoints()
    const before = await certificatesOf(harness, process)
    await using again = await reopened(harness, 'kept')
    for (const slot of [3, 2, 1, 0]) {
      const { module } = await again.unit.state(process, slot)
      expect([slot, module]).toEqual([slot, slot >= 2 ? loud : v1])
    }
    await say(again, process, 'three')
    // None of them was taken for damaged.
    expect(await again.unit.checkpointsOf(process)).toEqual([2, 3, 4])
    expect((await certificatesOf(again, process)).slice(0, before.length)).toEqual(before)
  })

  it('is the same to a second compute unit, which evaluates the feed by itself', async () => {
    const process = await withHistory(harness)
    await using other = await open({ unit: 3 })
    await other.mirror(harness, process)
    expect(await certificatesOf(other, process, 3)).toEqual(await certificatesOf(harness, process))
  })

  it('survives the death of its host', async () => {
    const process = await withHistory(harness)
    for (const pid of harness.unit.hostPids) globalThis.process.kill(pid, 'SIGKILL')
    expect((await say(harness, process, 'five')).status).toBe('ok')
    expect(await wordsOf(harness, process)).toEqual(['SPAWNED', 'ONE', 'four', 'five'])
  })

  it('waits at a unit that does not know the module, and goes on when it does', async () => {
    const process = await harness.spawn(v1)
    await say(harness, process, 'one')
    await control(harness, process, upgradeTo(loud))
    await say(harness, process, 'two')
    await using other = await open({ unit: 3, clock: realClock })
    const item = await harness.log.directory.moduleItem(loud)
    const { module } = other.log.directory
    other.log.directory.module = async id => (id === loud ? undefined : module.call(other.log.directory, id))
    const mirrored = other.mirror(harness, process)
    await expect.poll(() => other.troubles.join(), { timeout: 60_000 }).toContain('No such module')
    expect(await other.unit.evaluated(process)).toBe(2)
    other.log.directory.module = id => module.call(other.log.directory, id)
    expect(item).toBeDefined()
    await mirrored
    expect(await certificatesOf(other, process, 3)).toEqual(await certificatesOf(harness, process))
  })

  it('takes control messages, pushes of work and upgrades in one frame', async () => {
    const process = await harness.spawn(v1)
    const first = await harness.write(process, [
      itemEnvelope(process, { Action: 'Say' }, 'one'),
      controlEnvelope(process, upgradeTo(loud)),
      itemEnvelope(process, { Action: 'Say' }, 'two'),
      controlEnvelope(process, { action: 'Rollback', module: v1, pending: 'wait' }),
      itemEnvelope(process, { Action: 'Say' }, 'three'),
    ])
    const outputs: unknown[] = []
    for (let at = 0; at < 5; at++) outputs.push(jsonOf((await harness.unit.result(process, first + at)).output))
    expect([outputs[0], outputs[2], outputs[4]]).toEqual(['2', 'v2 3', '3'])
  })
})

describe('the state at a slot', { timeout: 180_000 }, () => {
  it('is that after the slot, wherever in a frame it stands, and in any order of asking', async () => {
    const process = await harness.spawn(v1)
    const words = Array.from({ length: 12 }, (_, at) => `w${at}`)
    await harness.write(
      process,
      words.slice(0, 5).map(word => itemEnvelope(process, { Action: 'Say' }, word)),
    )
    await harness.unit.checkpoint(process)
    await harness.write(
      process,
      words.slice(5).map(word => itemEnvelope(process, { Action: 'Say' }, word)),
    )
    await harness.unit.result(process, 12)
    for (const slot of [12, 0, 7, 3, 8, 8, 5, 11, 1]) {
      const { document, stateRoot, slot: seen } = await harness.unit.state(process, slot)
      expect(jsonOf(document), String(slot)).toMatchObject({
        state: { words: ['spawned', ...words.slice(0, slot)] },
      })
      expect([seen, stateRoot === undefined]).toEqual([slot, ![0, 5, 12].includes(slot)])
    }
    expect(jsonOf((await harness.unit.state(process)).document)).toMatchObject({
      state: { words: { length: 13 } },
    })
    const asked = await harness.unit.query(process, WORDS, { at: 4 })
    expect([jsonOf(asked.output), asked.slot]).toEqual([['spawned', ...words.slice(0, 4)], 4])
  })

  it('has the root that is certified', async () => {
    const process = await harness.spawn(v1)
    await say(harness, process, 'one')
    const [, last] = await harness.certificates(process)
    expect((await harness.unit.state(process, 1)).stateRoot).toEqual(last?.stateRoot)
  })

  it('beyond the feed is unknown; a wait that ends tells how far it came, and is taken up again', async () => {
    const process = await harness.spawn(v1)
    for (let at = 0; at < 30; at++) await harness.write(process, [itemEnvelope(process, { Action: 'Say' }, 'x')])
    await harness.unit.result(process, 30)
    await expect(harness.unit.state(process, 31)).rejects.toThrow('has not reached that slot')
    const ended = await harness.unit.state(process, 30, { timeoutMs: -1 }).catch((error: unknown) => error)
    expect(Failure.is(ended, 'timeout')).toBe(true)
    const aborted = harness.unit.state(process, 30, { signal: AbortSignal.abort() })
    await expect(aborted).rejects.toThrow('ended the wait')
    expect((await harness.unit.state(process, 30)).slot).toBe(30)
  })

  it('is not told by a program that cannot, with its reason', async () => {
    const mute = await harness.spawn(await addPaper(harness, { version: 'm', tells: 'refuse' }))
    await expect(harness.unit.state(mute)).rejects.toThrow('it says nothing')
  })
})

describe('an upgrade check', { timeout: 180_000 }, () => {
  it('tells what would become of the state, and which answers would differ; nothing is kept', async () => {
    const process = await harness.spawn(v1)
    for (const word of ['one', 'two', 'three']) await say(harness, process, word)
    const before = await certificatesOf(harness, process)
    const check = await harness.unit.checkUpgrade(process, {
      module: loud,
      pending: 'wait',
      replay: 2,
    })
    expect(check).toMatchObject({ ok: true, from: v1, to: loud, slot: 3, pending: 0, replayed: 2 })
    expect(check.migrated).toContainEqual({
      path: ['state', 'words', 1],
      before: 'one',
      after: 'ONE',
    })
    expect(check.migrated).toContainEqual({ path: ['version'], before: '1', after: '2' })
    expect(check.differences).toEqual([
      { slot: 2, what: 'output', before: '"3"', after: '"v2 3"' },
      { slot: 3, what: 'output', before: '"4"', after: '"v2 4"' },
    ])
    expect(await certificatesOf(harness, process)).toEqual(before)
    expect((await harness.unit.lifecycle(process)).module).toBe(v1)
    expect(await wordsOf(harness, process)).toEqual(['spawned', 'one', 'two', 'three'])
  })

  it('finds no difference where there is none', async () => {
    const process = await harness.spawn(v1)
    for (const word of ['one', 'two', 'three']) await say(harness, process, word)
    const same = await addPaper(harness, { version: '1', prefix: '' })
    const check = await harness.unit.checkUpgrade(process, {
      module: same,
      pending: 'wait',
      replay: 100,
    })
    expect(check).toMatchObject({ ok: true, replayed: 3, migrated: [], differences: [] })
  })

  const replayed = async (process: ProcessId, replay: number) => {
    const module = await addPaper(harness, { version: '1', prefix: '' })
    const { ok, ...check } = await harness.unit.checkUpgrade(process, { module, pending: 'reject', replay })
    expect(ok).toBe(true)
    return [check.replayed, check.differences]
  }

  it('compares nothing behind which a call is open that the upgrade of a copy would end', async () => {
    const process = await harness.spawn(v1)
    await harness.ask(process, { Action: 'Open' })
    await say(harness, process, 'two')
    await harness.ask(process, { Action: 'Close' })
    await say(harness, process, 'four')
    expect(await replayed(process, 3)).toEqual([1, []])
    await harness.ask(process, { Action: 'Open' })
    expect(await replayed(process, 2)).toEqual([2, []])
    await say(harness, process, 'six')
    expect(await replayed(process, 1)).toEqual([0, []])
  })

  it.each([
    ['Every', 'schedule/every'],
    // It says nothing, and the upgrade of a copy leaves it out.
    ['Quiet', 'quiet'],
  ])('finds no difference where a timer rings: %s', async (action, key) => {
    const process = await harness.spawn(v1)
    await harness.put(process, itemEnvelope(process, { Action: action }), LONG_AGO_MS)
    const [{ dueMs } = expect.unreachable()] = await harness.unit.timers(process)
    const rung = await harness.put(process, { kind: 'tick', timer: toUtf8(key), dueMs }, dueMs)
    expect(rung.status).toBe('ok')
    expect(await replayed(process, 1)).toEqual([1, []])
  })

  it('tells why it would fail', async () => {
    const process = await harness.spawn(v1)
    await harness.ask(process, { Action: 'Open' })
    const wish = { module: refusing, pending: 'reject' as const, replay: 5 }
    expect(await harness.unit.checkUpgrade(process, wish)).toMatchObject({
      ok: false,
      error: { code: 'bad-state' },
      pending: 1,
    })
    const waiting = await harness.unit.checkUpgrade(process, {
      module: loud,
      pending: 'wait',
      replay: 0,
    })
    expect(waiting).toMatchObject({ ok: false, error: { code: 'pending-calls' } })
    const unknown = moduleItem(toUtf8('{}'), [{ name: 'Module-Format', value: 'paper' }]).id as ModuleId
    await expect(harness.unit.checkUpgrade(process, { ...wish, module: unknown })).rejects.toThrow('No such module')
  })

  it('replays only what the present memory has seen', async () => {
    const process = await withHistory(harness)
    await say(harness, process, 'five')
    const check = await harness.unit.checkUpgrade(process, {
      module: v1,
      pending: 'wait',
      replay: 100,
    })
    expect(check).toMatchObject({ ok: true, replayed: 2 })
    expect(check.differences.map(({ slot }) => slot)).toEqual([10, 11])
  })
})

describe('what a process holds', { timeout: 180_000 }, () => {
  it('is told: its timers, as they are after the last slot', async () => {
    const process = await harness.spawn(v1)
    expect(await harness.unit.timers(process)).toEqual([])
    await harness.ask(process, { Action: 'Every' })
    expect(await harness.unit.timers(process)).toMatchObject([{ key: 'schedule/every', everyMs: 60_000 }])
    await control(harness, process, { action: 'Cancel-Timer', timer: toUtf8('schedule/every') })
    expect(await harness.unit.timers(process)).toEqual([])
    expect(harness.timers.get(process)).toEqual([])
  })
})
