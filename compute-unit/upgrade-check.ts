import {
  type CallOptions,
  CHECK_DIFFERENCES_MAX,
  CHECK_REPLAY_MAX,
  type Control,
  controlTags,
  decodePushBody,
  decodeResult,
  type Ending,
  Failure,
  fromUtf8,
  jsonDifferences,
  type ReplayDifference,
  type Result,
  type Slot,
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
  readonly seat: HostSeat
  readonly past: PastStates
  now(): number
}

/**
 * What an upgrade would do: it is carried out on a copy of the present state, by the code that carries out the real
 * one. The last messages are then given to both modules, each on its own copy, and their answers compared.
 * `since` is the slot at which the present memory began: before it, another module may have answered.
 * @throws {Failure} as `PastStates.at`
 */
export async function checkUpgrade(
  parts: UpgradeCheckParts,
  follower: Follower,
  wish: UpgradeWish & { readonly since: Slot },
  options: CallOptions,
): Promise<UpgradeCheck> {
  const { past } = parts
  const slot = lastSlot(follower)
  const spent = { ...options, isSpent: true }
  const check = await past.at(follower, slot, copy => rehearse(parts, copy, wish), spent)
  const replay = Math.min(wish.replay, CHECK_REPLAY_MAX)
  const from = Math.max(1, wish.since, slot + 1 - replay)
  if (!check.ok || replay === 0 || from > slot) return { ...check, slot }
  const differences = await past.at(
    follower,
    from - 1,
    before =>
      past.at(
        follower,
        from - 1,
        async after => {
          const { ok } = await rehearse(parts, after, { ...wish, pending: 'reject' })
          if (!ok) return [didNotMigrate(from)]
          const outcomes: FrameOutcome[][] = [[], []]
          await past.advance(follower, before, slot, options, one => outcomes[0]?.push(one))
          await past.advance(follower, after, slot, options, one => outcomes[1]?.push(one))
          return compare(resultsOf(outcomes[0] ?? []), resultsOf(outcomes[1] ?? []))
        },
        spent,
      ),
    spent,
  )
  return { ...check, slot, replayed: slot + 1 - from, differences }
}

async function rehearse(
  { seat, now }: UpgradeCheckParts,
  copy: Copy,
  { module, pending }: UpgradeWish,
): Promise<Omit<UpgradeCheck, 'slot'>> {
  const timestampMs = now()
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
