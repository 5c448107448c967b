import {
  decodeFrame,
  type Envelope,
  Failure,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  type Receipt,
  type Result,
  slotCount,
} from '../../protocol/index.ts'
import type { NodeRun } from '../simulation/node-run.ts'

/** What one process did, as its feed and its results tell. */
interface Account {
  /** How many messages it sent to each other process. */
  readonly sent: ReadonlyMap<string, number>
  /** Places of the messages of each sender that had an effect, in order of slots. */
  readonly taken: ReadonlyMap<ProcessId, readonly number[]>
  /** Ticks that had an effect. */
  readonly ticks: ReadonlyMap<string, number>
}

/**
 * Checks, once all is settled, that every message that a process sent to another took effect there exactly once and in
 * order, that no timer fired twice for one due time, and that every receipt still holds.
 * @throws {Failure} `verification-failed` with what is wrong
 */
export async function checkExactlyOnce(runs: readonly NodeRun[], receipts: readonly Receipt[]): Promise<void> {
  const accounts = new Map<ProcessId, Account>()
  for (const run of runs) {
    for (const process of await run.log.directory.processes({ limit: 100_000 })) {
      if (process.policy.schedulers[0] === run.key) accounts.set(process.id, await accountOf(run, process))
    }
  }
  for (const [process, { sent, taken, ticks }] of accounts) {
    for (const [to, count] of sent) {
      const receiver = accounts.get(to as ProcessId)
      if (receiver !== undefined) compare(process, to, count, receiver.taken.get(process) ?? [])
    }
    for (const from of taken.keys()) {
      const sender = accounts.get(from)
      if (sender !== undefined && !sender.sent.has(process))
        throw wrong('a message that nobody sent', { from, to: process })
    }
    for (const [tick, count] of ticks) if (count > 1) throw wrong('a timer fired twice', { process, tick, count })
  }
  await checkReceipts(runs, receipts)
}

async function accountOf(run: NodeRun, process: ProcessDescription): Promise<Account> {
  const sent = new Map<string, number>()
  const taken = new Map<ProcessId, number[]>()
  const ticks = new Map<string, number>()
  const { computer, reading } = run.units
  // What is evaluated elsewhere is evaluated here too, to be looked at.
  await reading.directory.module(process.module)
  const slots = await slotCount(run.log, messagesFeed(process))
  if (slots > 0) await computer.result(process.id, slots - 1, { timeoutMs: 3_600_000 })
  const results = computer.results(process.id, 0, await computer.evaluated(process.id))
  const envelopes = envelopesOf(run, process)
  for await (const result of results) {
    const { value: envelope } = await envelopes.next()
    for (const { core } of result.outbox) sent.set(core.to, (sent.get(core.to) ?? 0) + 1)
    if (envelope === undefined || !hadEffect(result)) continue
    if (envelope.kind === 'push') push(taken, envelope.push.core.from, envelope.push.core.seq)
    if (envelope.kind === 'reject') push(taken, envelope.from, envelope.seq)
    if (envelope.kind === 'tick') {
      const tick = `${String.fromCharCode(...envelope.timer)} due ${envelope.dueMs}`
      ticks.set(tick, (ticks.get(tick) ?? 0) + 1)
    }
  }
  return { sent, taken, ticks }
}

async function* envelopesOf({ log }: NodeRun, process: ProcessDescription): AsyncGenerator<Envelope, undefined> {
  for await (const frame of log.blocks(messagesFeed(process), 0)) {
    for (const { envelope } of decodeFrame(frame).assignments) yield envelope
  }
}

const hadEffect = ({ status }: Result): boolean => status === 'ok' || status === 'error' || status === 'reject'

function push(map: Map<ProcessId, number[]>, key: ProcessId, value: number): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}

function compare(from: string, to: string, sent: number, taken: readonly number[]): void {
  for (const [at, seq] of taken.entries()) {
    if (seq < at) throw wrong('a message took effect twice', { from, to, seq })
    if (seq > at) throw wrong('a message took effect before an earlier one', { from, to, seq, expected: at })
  }
  if (taken.length < sent) throw wrong('a message was lost', { from, to, sent, taken: taken.length })
  if (taken.length > sent) throw wrong('a message that nobody sent', { from, to, sent, taken: taken.length })
}

async function checkReceipts(runs: readonly NodeRun[], receipts: readonly Receipt[]): Promise<void> {
  for (const { id, process, slot } of receipts) {
    const places = await Promise.all(runs.map(({ log }) => log.messages.slotOf(process, id)))
    const found = places.filter(place => place !== undefined)
    if (found.length === 0) throw wrong('a message with a receipt is gone', { id, process, slot })
    if (found.some(place => place !== slot)) throw wrong('a receipt names another slot', { id, process, slot })
  }
}

const wrong = (note: string, details: Readonly<Record<string, string | number>>): Failure =>
  new Failure('verification-failed', details, { note })
