/** A slot that runs again because steps of it failed: who ends in which step, and which steps are not run. */
import { agent } from './agent.ts'
import { AgentError, tell } from './agent-error.ts'
import { refuse } from './endings.ts'
import { host } from './host.ts'
import { failStep, making, NOBODY, slot } from './slot.ts'
import type { Task } from './task.ts'

/** How a step failed in earlier attempts: for whom it is, or so that it must not be run. */
interface StepEnd {
  readonly own: AgentError | undefined
  /** For all others who wait for what it brings; undefined: they are told nothing, for they would do it again. */
  readonly undone: AgentError | undefined
}

/** What code uses up that the whole slot lives on: it would do so again. */
const SHARED_LIMITS: readonly string[] = ['out-of-gas', 'memory-limit']

/**
 * How the step of `actor` ended in earlier attempts, if it is not to be run. Where others failed in it, which waited for what it brings too (`isShared`),
 * they end here and it is run: their code can do nothing then. Asked once a step.
 */
function endOf(actor: Task | undefined, isShared = false): StepEnd | undefined {
  const { made } = slot
  if (made === undefined || made.failures.size === 0) return undefined
  const known = made.failures.get(made.step) ?? []
  made.failures.delete(made.step)
  let end: StepEnd | undefined
  const isAnybodys = isShared && agent.open.size > 1
  let isAgain = false
  for (const { request, error } of known) {
    const other = openTask(request, actor)
    const isUsedUp = SHARED_LIMITS.includes(error.code)
    if (isUsedUp) leaveTheRest()
    if (other !== undefined) {
      refuse(other, error)
      if (isUsedUp) end ??= { own: undefined, undone: undoneBy(other, error) }
    } else if (request !== NOBODY) end = { own: error, undone: end?.undone ?? undoneBy(actor, error) }
    else if (isAgain) end = { own: end?.own ?? error, undone: undefined }
    // It may be of any that went on: all are told, and none is ended for it the first time.
    else end = { own: end?.own ?? (isAnybodys ? undefined : error), undone: end?.undone ?? undoneBy(undefined, error) }
    isAgain ||= request === NOBODY
  }
  return end
}

/** What would live on the same is left to later slots. */
function leaveTheRest(): void {
  making().isSpent = true
  making().due = []
}

function openTask(request: number, except: Task | undefined): Task | undefined {
  for (const task of agent.open) if (task.slot === request && task !== except) return task
  return undefined
}

function undoneBy(task: Task | undefined, { code, message }: AgentError): AgentError {
  const who = task === undefined ? 'a message' : `${task.action} (message ${task.id})`
  const text = `what this brought is undone: ${who} that went on with it failed with ${code}: ${message}`
  return new AgentError('undone', text)
}

/** With what a request fails that begins in this step, if it did in an earlier attempt. */
export function knownFailure(task: Task): AgentError | undefined {
  const end = endOf(task)
  return end?.own ?? end?.undone
}

/**
 * Runs a step for `actor`. One that failed in an earlier attempt is not run: its request ends, and whoever else waits for what it brings is told by
 * `turnAway`.
 */
export function step(actor: Task | undefined, go: () => void, turnAway?: (error: AgentError) => void): void {
  const end = endOf(actor, turnAway !== undefined)
  if (end !== undefined) return leave(end, actor, turnAway)
  try {
    go()
  } catch (error) {
    failStep(tell(error), actor)
  }
}

function leave({ own, undone }: StepEnd, actor: Task | undefined, turnAway?: (error: AgentError) => void): void {
  const why = turnAway === undefined ? (own ?? undone) : own
  if (why !== undefined) giveUp(actor, why)
  if (turnAway === undefined || undone === undefined) return
  making().isAsync = true
  turnAway(undone)
}

/** No slot that a request could have come in. */
const OF_ITS_ACTOR = -2

/** Has the request of the first step end before it: slots failed in which it was run, and nobody could tell this process how. */
export function endFirstStep(): void {
  const text = 'the slot in which this was due failed as a whole: see the error of its result; it is not run again'
  const lost = { request: OF_ITS_ACTOR, error: new AgentError('slot-failed', text) }
  const { failures } = making()
  failures.set(1, [lost, ...(failures.get(1) ?? [])])
}

/** Ends those who failed in earlier attempts of a step that is nobody's. */
export function endOthers(): void {
  endOf(undefined)
}

/** Ends the request of a step that failed in an earlier attempt. It may have been answered before that, or a timer's that is nobody's. */
function giveUp(task: Task | undefined, known: AgentError): void {
  if (task !== undefined && task.state !== 'done') refuse(task, known)
  else host.log(`what no request waits for failed: ${known.code}: ${known.message}`)
}
