import { type Asker, agent, implementation } from './agent.ts'
import { answerError } from './answers.ts'
import { AgentError } from './agent-error.ts'
import { check, own } from './definition.ts'
import { armSchedule, SCHEDULE_PREFIX } from './schedules.ts'
import { clearTimer } from './outbox.ts'
import { making } from './slot.ts'

interface Snapshot {
  readonly v: 1
  readonly name: string
  readonly version: string
  readonly state: unknown
  readonly schedules: readonly {
    readonly key: string
    readonly message: string
    readonly input: unknown
    readonly dueMs: number
    readonly everyMs?: number
    readonly cron?: string
  }[]
  readonly pending: readonly {
    readonly message: string
    readonly from: string
    readonly reference?: string
  }[]
}

/** All that another version of this program needs to go on: no code, no promises. */
export function exportSnapshot(): Snapshot {
  const { name, version } = implementation().contract
  const schedules = [...agent.schedules].map(([key, { message, input, dueMs, everyMs, cron }]) => ({
    key,
    message,
    input,
    dueMs,
    ...(everyMs !== undefined && { everyMs }),
    ...(cron !== undefined && { cron }),
  }))
  return { v: 1, name, version, state: agent.state, schedules, pending: openTasks().map(pendingOf) }
}

/** Requests that were taken and whose answer is not sent yet. */
function openTasks(): Asker[] {
  return [...agent.open, ...agent.queue, ...agent.late.map(({ asker }) => asker)]
}

const pendingOf = ({ id, from, reference }: Asker) => ({
  message: id,
  from,
  ...(reference !== undefined && { reference }),
})

/** More than one slot uses of the numbers of calls, timers and schedules. */
const NUMBERS_PER_SLOT = 2 ** 20

/**
 * Takes the state of another version over. Numbers begin where no slot before this one can have come: a reply to a call that the
 * upgrade ended is of no other.
 * @throws {AgentError} `bad-snapshot`, `bad-state`
 */
export function restoreSnapshot(text: string, slotNumber: number): void {
  const snapshot = JSON.parse(text) as Snapshot | null
  if (snapshot?.v !== 1) throw new AgentError('bad-snapshot', `expected version 1 of a snapshot, got ${snapshot?.v}`)
  const { contract } = implementation()
  agent.state = check(contract.state, migrated(snapshot), 'bad-state', `state of ${contract.name} ${contract.version}`)
  agent.started = true
  agent.lastNumber = Math.max(agent.lastNumber, slotNumber * NUMBERS_PER_SLOT)
  for (const key of agent.schedules.keys()) clearTimer(SCHEDULE_PREFIX + key)
  agent.schedules.clear()
  for (const { key, message, input, dueMs, everyMs, cron } of snapshot.schedules) {
    if (own(contract.messages, message) === undefined) {
      clearTimer(SCHEDULE_PREFIX + key)
      continue
    }
    const schedule = { message, input, dueMs, everyMs, cron }
    agent.schedules.set(key, schedule)
    armSchedule(key, schedule)
  }
  for (const { message, from, reference } of snapshot.pending) turnAway(message, from, reference)
}

function migrated({ name, version, state }: Snapshot): unknown {
  const { contract, definition } = implementation()
  if (version === contract.version && name === contract.name) return state
  const migrate = own(definition.migrate, version) ?? own(definition.migrate, '*')
  return migrate === undefined ? state : migrate(state, { from: version, to: contract.version })
}

/** The code that would have answered is gone. */
function turnAway(message: string, from: string, reference: string | undefined): void {
  const error = { code: 'upgraded', message: 'the process was upgraded before it could answer' }
  answerError({ id: message, from, reference }, undefined, error.code, error.message)
  making().settled.push(JSON.stringify({ message, error }))
}
