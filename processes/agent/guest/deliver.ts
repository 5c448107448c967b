import { agent, implementation } from './agent.ts'
import { FLAGS, Task } from './task.ts'
import { AgentError, tell } from './agent-error.ts'
import { answeredCall, expireCall, settleCall } from './calls.ts'
import { initFacts } from './context.ts'
import { check } from './definition.ts'
import { fail } from './endings.ts'
import { endFirstStep, endOthers, step } from './failed-steps.ts'
import { host } from './host.ts'
import { inputOf } from './input.ts'
import { isNearlyFull } from './outbox.ts'
import { canRunQueued, seal } from './output.ts'
import { answer } from './queries.ts'
import { SCHEDULE_PREFIX, setAgain } from './schedules.ts'
import { exportSnapshot, restoreSnapshot } from './snapshot.ts'
import { beginSlot, failStep, hasFailed, making, slot } from './slot.ts'
import { endIfStuck, run, take } from './tasks.ts'
import { tagOf } from './tags.ts'
import { WAKE_TIMER } from './wake.ts'

/** Deadlines handled in one slot; the rest a second later. */
const DUE_MAX = 64

/** Failures of one slot that are found one by one. */
const HASTY_AFTER = 32

/** Kinds of message, as the host numbers them. */
const KINDS = ['spawn', 'message', 'tick', 'query', 'restore'] as const

/** Runs one message up to its first wait. Gives what `seal` gives, or nothing if there is more to do. */
export function deliver(kindNumber: number, nowMs: number, task: Task): string | undefined {
  const kind = KINDS[kindNumber]
  if (kind === undefined) throw new Error('expected a kind of message')
  const { flags } = task
  // A tick tells its timer in place of an action.
  beginSlot(kind === 'tick' && task.action === WAKE_TIMER ? WAKE_TIMER : kind, task.slot, nowMs, flags)
  if ((flags & (FLAGS.isRepeated | FLAGS.hasFacts)) !== 0) readRest(task)
  try {
    dispatch(kind, task)
  } catch (error) {
    failStep(tell(error), slot.own)
  }
  if ((flags & FLAGS.isRepeated) !== 0) endOthers()
  const { made } = slot
  const isQuiet = (made === undefined || (!made.isAsync && made.due.length === 0)) && !canRunQueued()
  return isQuiet || hasFailed() ? seal() : undefined
}

function readRest({ rest: [, , , , failures, facts] }: Task): void {
  if (facts !== 0) agent.facts = facts
  if (failures === 0) return
  const made = making()
  made.isHasty = failures.length >= HASTY_AFTER
  for (const [step, code, message, request] of failures) {
    const failure = { request, error: new AgentError(code, message) }
    const known = made.failures.get(step)
    if (known === undefined) made.failures.set(step, [failure])
    else known.push(failure)
  }
}

/** Runs the next step of the slot, when all jobs are done; gives what `seal` gives if there is none. */
export function next(): string | undefined {
  const made = making()
  if (made.failed.size === 0) endIfStuck()
  if (made.failed.size > 0) return seal()
  const due = isNearlyFull() ? undefined : made.due.shift()
  if (due !== undefined) {
    made.step += 1
    due()
    return undefined
  }
  if (!canRunQueued()) return seal()
  made.step += 1
  made.waited = agent.queue.shift()
  if (made.waited !== undefined) run(made.waited)
  return undefined
}

function dispatch(kind: (typeof KINDS)[number], task: Task): void {
  switch (kind) {
    case 'message':
      return message(task)
    case 'query':
      return ask(task)
    case 'tick':
      return tick(task)
    case 'spawn':
      return start(task)
    case 'restore':
      return restoreSnapshot(task.data, task.slot)
  }
}

function start(task: Task): void {
  const { contract, definition } = implementation()
  const own = new Task('init', task.from, 0, task.data, task.slot, task.rest)
  slot.own = own
  const args = inputOf(own, contract.args)
  const state = definition.init?.(initFacts(args, task.tags))
  if (state instanceof Promise)
    throw new AgentError('bad-init', 'init gives the state at once; what takes longer goes into a message')
  agent.state = check(contract.state, state, 'bad-state', `state of ${contract.name}`)
  agent.started = true
  own.state = 'done'
  slot.reply = ''
}

function ask(task: Task): void {
  if (!agent.started) throw notStarted()
  if (task.action === '@export') {
    making().document = JSON.stringify(exportSnapshot())
    return
  }
  slot.reply = answer(task)
}

function message(task: Task): void {
  if (task.isReply && settle(task)) return
  if (task.action === '@next' && task.from === agent.facts?.self) {
    agent.isNextSent = false
    return
  }
  if (agent.started) return take(task)
  slot.own = task
  fail(task, notStarted())
}

/** Takes a message as the answer to a call, if it is one or was. */
function settle(task: Task): boolean {
  const call = answeredCall(task)
  if (call === undefined) {
    if (task.action !== 'Reply' && task.action !== 'Error') return false
    host.log(`a reply to a call that is over, or that ${task.from} was not asked`)
    return true
  }
  agent.calls.delete(call.reference)
  step(call.task, () => settleCall(call, task), call.reject)
  return true
}

const notStarted = (): AgentError =>
  new AgentError('not-started', 'the process has no state: its init failed; slot 0 tells why')

function tick(task: Task): void {
  const timer = task.action
  const failures = Number(task.data)
  // What failed the slots before may do so again: there is one step at most.
  if (failures > 0) making().stepsMax = 1
  if (timer === WAKE_TIMER) return wake(failures)
  const self = agent.facts?.self ?? ''
  if (!timer.startsWith(SCHEDULE_PREFIX)) {
    const own = new Task(tagOf(task.tags, 'Action') ?? '', self, task.flags, task.data, task.slot, task.rest)
    making().due.push(() => step(own, () => take(own)))
    return
  }
  const key = timer.slice(SCHEDULE_PREFIX.length)
  const schedule = agent.schedules.get(key)
  if (schedule === undefined) return
  setAgain(key, schedule)
  if (failures > 0) endFirstStep()
  const request = new Task(schedule.message, self, FLAGS.isGiven, '', task.slot, task.rest, '', schedule.input)
  making().due.push(() => step(request, () => take(request)))
}

/** Of what is due when slots failed, the first is tried alone, and then ended. */
function wake(failures: number): void {
  const dueMax = failures > 0 ? 1 : DUE_MAX
  if (failures > 1) endFirstStep()
  const { due } = making()
  // Had it come, the queue would be empty: it was dropped on its way, without fuel or too deep.
  agent.isNextSent = false
  for (const call of agent.calls.values()) {
    if (call.deadlineMs > slot.nowMs || due.length >= dueMax) continue
    due.push(() => {
      agent.calls.delete(call.reference)
      step(call.task, () => expireCall(call), call.reject)
    })
  }
  for (const [number, sleep] of agent.sleeps) {
    if (sleep.dueMs > slot.nowMs || due.length >= dueMax) continue
    due.push(() => {
      agent.sleeps.delete(number)
      if (sleep.everyMs !== undefined) agent.sleeps.set(number, { ...sleep, dueMs: slot.nowMs + sleep.everyMs })
      making().isAsync = true
      step(sleep.task, () => sleep.wake(), sleep.fail)
    })
  }
}
