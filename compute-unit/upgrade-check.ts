import {
  assignmentAt,
  type CallOptions,
  CHECK_DIFFERENCES_MAX,
  CHECK_REPLAY_MAX,
  type Control,
  controlTags,
  decodePushBody,
  decodeResult,
  type Ending,
  Failure,
  findFrame,
  fromUtf8,
  jsonDifferences,
  type Log,
  messagesFeed,
  type ReplayDifference,
  type Result,
  type Slot,
  TIMER_INTERVAL_MIN_MS,
  toHex,
  toJsonValue,
  type UpgradeCheck,
  type UpgradeWish,
} from '../protocol/index.ts'
import type { FrameOutcome } from './evaluation/index.ts'
import type { Follower } from './following/follower.ts'
import { FrameResults } from './kept/frame-results.ts'
import type { HostSeat } from './hosts/host-pool.ts'
import type { Copy, PastStates } from './queries/past-states.ts'
import { exportOf, lastSlot } from './queries/state-reader.ts'

export interface UpgradeCheckParts {
  readonly log: Log
  readonly seat: HostSeat
  readonly past: PastStates
  now(): number
}

/**
 * What an upgrade would do: it is carried out on a copy of the present state, by the code that carries out the real
 * one. The last messages are then given to both modules, each on its own copy, and their answers compared:
 * those before which no call was open, because the upgrade of a copy ends such calls.
 * `since` is the slot at which the present memory began: before it, another module may have answered.
 * @throws {Failure} as `PastStates.at`
 */
export async function checkUpgrade(
  parts: UpgradeCheckParts,
  follower: Follower,
  wish: UpgradeWish & { readonly since: Slot },
  options: CallOptions,
): Promise<UpgradeCheck> {
  const { seat, past, now } = parts
  const slot = lastSlot(follower)
  const spent = { ...options, isSpent: true }
  const check = await past.at(follower, slot, copy => rehearse(seat, copy, wish, now()), spent)
  const replay = Math.min(wish.replay, CHECK_REPLAY_MAX)
  const from = Math.max(1, wish.since, slot + 1 - replay)
  if (!check.ok || replay === 0 || from > slot) return { ...check, slot }
  const compared = await past.at(
    follower,
    from - 1,
    async before => {
      while (before.slots <= slot && (await openCalls(parts, before)) > 0)
        await past.advance(follower, before, before.slots, options)
      const first = before.slots
      if (first > slot) return { replayed: 0, differences: [] }
      const timestampMs = await stillTimeAt(parts.log, follower, first - 1)
      const differences = await past.at(
        follower,
        first - 1,
        async after => {
          const { ok } = await rehearse(seat, after, { ...wish, pending: 'reject' }, timestampMs)
          if (!ok) return [didNotMigrate(first)]
          const outcomes: FrameOutcome[][] = [[], []]
          await past.advance(follower, before, slot, options, one => outcomes[0]?.push(one))
          await past.advance(follower, after, slot, options, one => outcomes[1]?.push(one))
          return compare(resultsOf(outcomes[0] ?? []), resultsOf(outcomes[1] ?? []))
        },
        spent,
      )
      return { replayed: slot + 1 - first, differences }
    },
    spent,
  )
  return { ...check, slot, ...compared }
}

/** A time after that slot at which an upgrade leaves timers where they are: it sets them anew, each some way ahead. */
async function stillTimeAt(log: Log, { process }: Follower, slot: Slot): Promise<number> {
  const frame = await findFrame(log, messagesFeed(process), slot)
  if (frame === undefined) throw new Failure('unknown-slot', { process: process.id, slot })
  return assignmentAt(frame.bytes, slot - frame.firstSlot).timestampMs - TIMER_INTERVAL_MIN_MS
}

async function rehearse(
  seat: HostSeat,
  copy: Copy,
  { module, pending }: UpgradeWish,
  timestampMs: number,
): Promise<Omit<UpgradeCheck, 'slot'>> {
  const control: Control = { action: 'Upgrade', module, pending, keeps: true }
  const before = await exportOf(seat, copy.key, timestampMs)
  const answer = await seat.ask({
    kind: 'rehearse',
    process: copy.key,
    tags: controlTags(control),
    timestampMs,
  })
  if (answer.kind !== 'exported') throw new Failure('host-fault', { answer: answer.kind })
  const { ending } = answer
  const facts = { from: before.module, to: module, replayed: 0, differences: [] }
  const documentBefore = documentOf(before.ending)
  const pendingBefore = pendingCount(documentBefore)
  if (ending.status === 'error') {
    const { gas, error } = ending
    return { ok: false, error, gas, ...facts, pending: pendingBefore, migrated: [] }
  }
  const after = documentOf((await exportOf(seat, copy.key, timestampMs)).ending)
  const migrated = jsonDifferences(documentBefore, after, CHECK_DIFFERENCES_MAX)
  return { ok: true, error: undefined, gas: ending.gas, ...facts, pending: pendingBefore, migrated }
}

function documentOf(ending: Ending): unknown {
  return ending.status === 'ok' ? JSON.parse(fromUtf8(ending.output)) : undefined
}

async function openCalls({ seat, now }: UpgradeCheckParts, { key }: Copy): Promise<number> {
  return pendingCount(documentOf((await exportOf(seat, key, now())).ending))
}

function pendingCount(document: unknown): number {
  if (typeof document !== 'object' || document === null || !('pending' in document)) return 0
  return Array.isArray(document.pending) ? document.pending.length : 0
}

/** The state of that time cannot be migrated, though the present one can. */
const didNotMigrate = (slot: Slot): ReplayDifference => ({
  slot,
  what: 'status',
  before: 'ok',
  after: 'the state of that time could not be migrated',
})

function resultsOf(outcomes: readonly FrameOutcome[]): Result[] {
  return outcomes.flatMap(({ firstSlot, resultsBytes }) =>
    new FrameResults(firstSlot, resultsBytes).results.map(decodeResult),
  )
}

function compare(before: readonly Result[], after: readonly Result[]): ReplayDifference[] {
  const differences: ReplayDifference[] = []
  for (const [i, one] of before.entries()) {
    const other = after[i]
    if (other === undefined || differences.length >= CHECK_DIFFERENCES_MAX) break
    if (isQuiet(one) && isQuiet(other)) continue
    const add = (what: ReplayDifference['what'], a: string, b: string): void => {
      if (a !== b) differences.push({ slot: one.slot, what, before: a, after: b })
    }
    add('status', one.status, other.status)
    add('error', errorOf(one), errorOf(other))
    add('output', textOf(one.output), textOf(other.output))
    add('outbox', outboxOf(one), outboxOf(other))
  }
  return differences
}

/** Says nothing and sends nothing. A timer that nobody needs any more rings so, and an upgrade leaves it out. */
function isQuiet({ status, output, outbox }: Result): boolean {
  return status === 'idle' || (status === 'ok' && outbox.length === 0 && ['', '{}'].includes(textOf(output)))
}

const errorOf = ({ error }: Result): string => (error ? `${error.code}: ${error.message}` : '')

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    return `0x${toHex(bytes)}`
  }
}

function outboxOf({ outbox }: Result): string {
  const sent = outbox.map(({ core: { to }, bodyBytes }) => ({ to, ...decodePushBody(bodyBytes) }))
  return JSON.stringify(toJsonValue(sent))
}
