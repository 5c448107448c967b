import { agent, type Facts, implementation, type Task } from './agent.ts'
import { AgentError, tell } from './agent-error.ts'
import { answeredCall, expireCall, settleCall } from './calls.ts'
import { initFacts } from './context.ts'
import { check } from './definition.ts'
import { host } from './host.ts'
import { inputOf } from './input.ts'
import { canRunQueued, seal } from './output.ts'
import { answer } from './queries.ts'
import { armSchedule, nextOf, SCHEDULE_PREFIX } from './schedules.ts'
import { exportSnapshot, restoreSnapshot } from './snapshot.ts'
import { beginSlot, failStep, isOutboxNearlyFull, slot } from './slot.ts'
import { fail, refuse, run, take } from './tasks.ts'
import { tagOf } from './tags.ts'
import { WAKE_TIMER } from './wake.ts'

/** Deadlines handled in one slot; the rest a second later. */
const DUE_MAX = 64

/** A message as the host hands it over. */
type Meta = readonly [
  kind: 'spawn' | 'message' | 'tick' | 'query' | 'restore',
  id: string,
  slot: number,
  timestampMs: number,
  from: string,
  isProcess: 0 | 1,
  depth: number,
  origin: string,
  tags: readonly string[],
  isBase64: 0 | 1,
  timer: string,
  failures: readonly (readonly [step: number, code: string, message: string])[] | 0,
  facts: Facts | 0,
]

/** Runs one message up to its first wait. Gives what `seal` gives, or nothing if there is more to do. */
export function deliver(metaText: string, data: string): string | undefined {
  const meta = JSON.parse(metaText) as Meta
  const [kind, , number, nowMs, , , , , , , timer, failures, facts] = meta
  beginSlot(kind === 'tick' && timer === WAKE_TIMER ? WAKE_TIMER : kind, number, nowMs)
  if (failures !== 0) {
    for (const [step, code, message] of failures)
      slot.failures.set(step, new AgentError(code, message))
  }
  if (facts !== 0) agent.facts = facts
  const task = taskOf(meta, data)
  try {
    dispatch(kind, timer, task)
  } catch (error) {
    failStep(tell(error))
  }
  const isQuiet = !slot.isAsync && slot.due.length === 0 && !canRunQueued()
  return isQuiet || slot.failure !== undefined ? seal() : undefined
}

/** Runs the next step of the slot, when all jobs are done; gives what `seal` gives if there is none. */
export function next(): string | undefined {
  if (slot.failure !== undefined) return seal()
  const due = isOutboxNearlyFull() ? undefined : slot.due.shift()
  if (due !== undefined) {
    slot.step += 1
    due()
    return undefined
  }
  if (!canRunQueued()) return seal()
  slot.step += 1
  const task = agent.queue.shift()
  if (task !== undefined) run(task)
  return undefined
}

function taskOf(
  [, id, number, , from, isProcess, depth, origin, tags, isBase64]: Meta,
  data: string,
): Task {
  const waiting = tagOf(tags, 'Waiting')
  return {
    id,
    action: tagOf(tags, 'Action') ?? '',
    from,
    isProcess: isProcess === 1,
    reference: isProcess === 1 ? tagOf(tags, 'Reference') : undefined,
    waiting: waiting === undefined ? [] : waiting.split(','),
    callerLocked: tagOf(tags, 'Exclusive') === 'true',
    slot: number,
    depth,
    origin,
    tags,
    data,
    isBase64: isBase64 === 1,
    state: 'queued',
  }
}

function dispatch(kind: Meta[0], timer: string, task: Task): void {
  switch (kind) {
    case 'spawn':
      return start(task)
    case 'restore':
      return restoreSnapshot(task.data)
    case 'query':
      return ask(task)
    case 'tick':
      return tick(timer, task)
    case 'message':
      return message(task)
  }
}

function start(task: Task): void {
  const { contract, definition } = implementation()
  slot.own = { ...task, action: 'init', reference: undefined, state: 'running' }
  const args = inputOf(slot.own, contract.args)
  const state = definition.init?.(initFacts(args, task.tags))
  if (state instanceof Promise)
    throw new AgentError(
      'bad-init',
      'init gives the state at once; what takes longer goes into a message',
    )
  agent.state = check(contract.state, state, 'bad-state', `state of ${contract.name}`)
  agent.started = true
  slot.own.state = 'done'
  slot.reply = ''
}

function ask(task: Task): void {
  requireStart()
  const reply = task.action === '@export' ? exportSnapshot() : answer(task)
  slot.reply = reply === undefined ? '' : JSON.stringify(reply)
}

function requireStart(): void {
  if (!agent.started)
    throw new AgentError(
      'not-started',
      'the process has no state: its init failed; slot 0 tells why',
    )
}

function message(task: Task): void {
  const call = answeredCall(task.tags, task.from)
  if (call !== undefined) {
    const known = slot.failures.get(0)
    if (known === undefined) return settleCall(call, task)
    agent.calls.delete(call.reference)
    if (call.task !== undefined) refuse(call.task, known)
    return
  }
  const isReply = tagOf(task.tags, 'X-Reference') !== undefined
  if (isReply && (task.action === 'Reply' || task.action === 'Error'))
    return host.log(`a reply to a call that is over, or that ${task.from} was not asked`)
  if (task.action === '@next' && task.from === agent.facts?.self) return
  if (!agent.started) {
    slot.own = task
    return fail(
      task,
      new AgentError('not-started', 'the process has no state: its init failed; slot 0 tells why'),
    )
  }
  take(task)
}

function tick(timer: string, task: Task): void {
  if (timer === WAKE_TIMER) return wake()
  const own = { ...task, from: agent.facts?.self ?? '' }
  if (!timer.startsWith(SCHEDULE_PREFIX)) {
    slot.due.push(() => step(own, () => take(own)))
    return
  }
  const key = timer.slice(SCHEDULE_PREFIX.length)
  const schedule = agent.schedules.get(key)
  if (schedule === undefined) return
  if (schedule.cron !== undefined) {
    schedule.dueMs = nextOf(schedule.cron)
    armSchedule(key, schedule)
  } else if (schedule.everyMs === undefined) agent.schedules.delete(key)
  else schedule.dueMs = slot.nowMs + schedule.everyMs
  const request = { ...own, action: schedule.message, input: schedule.input }
  slot.due.push(() => step(request, () => take(request)))
}

function wake(): void {
  for (const call of agent.calls.values()) {
    if (call.deadlineMs > slot.nowMs || slot.due.length >= DUE_MAX) continue
    slot.due.push(() => {
      const isRefused = slot.failures.has(slot.step)
      if (isRefused) agent.calls.delete(call.reference)
      step(call.task, () => expireCall(call))
    })
  }
  for (const [number, sleep] of agent.sleeps) {
    if (sleep.dueMs > slot.nowMs || slot.due.length >= DUE_MAX) continue
    slot.due.push(() => {
      agent.sleeps.delete(number)
      if (sleep.everyMs !== undefined)
        agent.sleeps.set(number, { ...sleep, dueMs: slot.nowMs + sleep.everyMs })
      slot.isAsync = true
      step(sleep.task, () => sleep.wake())
    })
  }
}

/** Runs a step for `task`; one that failed in an earlier attempt is not run, and its task ends. */
function step(task: Task | undefined, go: () => void): void {
  const known = slot.failures.get(slot.step)
  if (known !== undefined) {
    if (task !== undefined) refuse(task, known)
    else host.log(`a timer failed: ${known.code}: ${known.message}`)
    return
  }
  try {
    go()
  } catch (error) {
    failStep(tell(error))
  }
}
