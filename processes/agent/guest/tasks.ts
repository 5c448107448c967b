import { agent, implementation } from './agent.ts'
import type { Task } from './task.ts'
import { AgentError, tell, type Told } from './agent-error.ts'
import { answerError, answerReply } from './answers.ts'
import { AgentContext } from './context.ts'
import { host } from './host.ts'
import { mayRunBeside, noSuchAction, type Route, routeOf } from './routes.ts'
import { inputOf } from './input.ts'
import { queryFacts } from './queries.ts'
import { OVER } from './over.ts'
import { outputReply, replyText } from './reply-text.ts'
import { failStep, NOBODY, slot } from './slot.ts'

/** Requests that wait for the lock; one more is told to come later. */
const QUEUE_MAX = 1024

/** Takes a request in: it runs, or waits for the exclusive one before it. */
export function take(task: Task): void {
  slot.own = task
  const isFree = agent.lock === undefined && agent.queue.length === 0
  if (isFree || routeOf(task.action)?.isExclusive !== true) run(task)
  else enqueue(task)
}

function enqueue(task: Task): void {
  const circle = deadlockOf(task)
  if (circle !== undefined) return fail(task, new AgentError('deadlock', circle))
  if (agent.queue.length >= QUEUE_MAX) return fail(task, new AgentError('busy', `${QUEUE_MAX} messages wait already`))
  agent.queue.push(task)
}

/** Runs a request up to its end or its first wait. */
export function run(task: Task): void {
  if (slot.failures.size > 0) {
    const end = endOf(task)
    const known = end?.own ?? end?.undone
    if (known !== undefined) return refuse(task, known)
  }
  task.state = 'running'
  try {
    const route = routeOf(task.action)
    if (route === undefined) throw unknownAction(task.action)
    if (route.isExclusive) agent.lock = task
    if (route.allow !== undefined) authorize(task, route.allow)
    const input = inputOf(task, route.input)
    const context = route.isQuery ? (queryFacts(task.from) as object) : new AgentContext(task)
    const reply = route.run(context, input)
    if (!(reply instanceof Promise)) return succeed(task, route, reply)
    task.context = context
    agent.open.add(task)
    unsettled.register(reply, task)
    slot.isAsync = true
    reply.then(
      value => finish(task, () => succeed(task, route, value)),
      error => fail(task, error),
    )
  } catch (error) {
    fail(task, error)
  }
}

function finish(task: Task, end: () => void): void {
  // It was told already that it came to nothing.
  if (task.state === 'done') return
  try {
    end()
    close(task)
  } catch (error) {
    fail(task, error)
  }
}

function unknownAction(action: string): AgentError {
  const { contract } = implementation()
  const known = [...Object.keys(contract.messages), ...Object.keys(contract.queries)]
  return noSuchAction(contract.name, 'message', action, known)
}

function authorize({ action, from }: Task, allow: readonly string[]): void {
  if (allow.includes('anyone') || allow.includes(from)) return
  const { self, owner, parent } = agent.facts ?? {}
  if (allow.includes('owner') && from === owner) return
  if (allow.includes('self') && from === self) return
  if (allow.includes('parent') && from === parent) return
  throw new AgentError('not-allowed', `${action} is for ${allow.join(', ')}, not for ${from}`)
}

function succeed(task: Task, route: Route, value: unknown): void {
  if (task === slot.own && !task.isProcess) slot.reply = outputReply(route.reply, value, task.action)
  else {
    const text = replyText(route.reply, value, task.action)
    if (task.isProcess) replyTo(task, text, typeof value === 'number')
    else settled(task, text === '' ? '' : `,"reply":${text}`)
  }
  // Last: a reply that cannot be sent is an error of a request that still runs.
  end(task)
}

function replyTo(task: Task, text: string, isNumber: boolean): void {
  const { reference, from } = task
  if (task === slot.own) slot.reply = ''
  if (reference === undefined) return
  const type = text === '' ? '' : ',"Content-Type","application/json"'
  const head = `[0,"${from}",["Action","Reply","X-Reference",${quotedReference(reference)}${type}]`
  const quoted = isNumber ? `"${text}"` : undefined
  const failure = answerReply(task, head, text, quoted)
  if (failure === undefined) return
  // In the slot of another request, that one must not fail with it.
  if (slot.own === undefined || task === slot.own || task === slot.waited) throw failure
  refuse(task, failure)
}

/** Mostly a number as we write it ourselves. */
const quotedReference = (reference: string): string =>
  String(Number(reference)) === reference ? `"${reference}"` : JSON.stringify(reference)

function end(task: Task): void {
  task.state = 'done'
  if (agent.lock === task) agent.lock = undefined
}

/** The same for one that waited. */
function close(task: Task): void {
  task.context = undefined
  agent.open.delete(task)
}

/**
 * A request that failed. What it did in this slot must not stand, and only the host can undo it: it runs the slot
 * again, and then the request ends before the step in which it failed.
 */
export function fail(task: Task, error: unknown): void {
  if (task.state === 'done') return
  if (task.state === 'running') {
    failStep(tell(error), task)
    return
  }
  refuse(task, tell(error))
}

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
  if (slot.failures.size === 0) return undefined
  const known = slot.failures.get(slot.step) ?? []
  slot.failures.delete(slot.step)
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
    else end = { own: isAnybodys ? end?.own : error, undone: end?.undone ?? undoneBy(undefined, error) }
    isAgain ||= request === NOBODY
  }
  return end
}

/** What would live on the same is left to later slots. */
function leaveTheRest(): void {
  slot.isSpent = true
  slot.due = []
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
  slot.isAsync = true
  turnAway(undone)
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

/** Tells whoever asked that it came to nothing. */
export function refuse(task: Task, { code, message }: Pick<Told, 'code' | 'message'>): void {
  const wasOwnQuietly = task === slot.own && task.reference === undefined && slot.kind === 'message'
  if (task.context !== undefined) Object.setPrototypeOf(task.context, OVER)
  task.isFailed = true
  end(task)
  close(task)
  if (wasOwnQuietly) {
    failStep({ code, message, stack: '' }, task)
    return
  }
  answerError(task, task, code, message)
  if (task === slot.own) slot.reply = ''
  settled(task, `,"error":${JSON.stringify({ code, message })}`)
}

function settled(task: Task, rest: string): void {
  slot.settled.push(`{"message":${JSON.stringify(task.id)}${rest}}`)
}

/**
 * Ends the request that has the lock, if nothing can come any more that it could wait for: no reply, no timer, and no message
 * that may run beside it. Its agent would take nothing ever after.
 */
export function endIfStuck(): void {
  const { lock, calls, sleeps } = agent
  if (lock === undefined || calls.size + sleeps.size > 0 || mayRunBeside()) return
  endForGood(
    lock,
    'no call, effect or timer is under way, and other messages wait until it ends; if one of them is to settle it, name that in reentrant',
  )
}

function endForGood(task: Task, why: string): void {
  if (task.state === 'running' && slot.kind !== 'query')
    fail(task, new AgentError('no-end', `${task.action} waits for a promise that nothing can settle: ${why}`))
}

/** What requests that wait will give. One that the engine lets go of before it is settled never will be: nobody is left who could. */
const unsettled = new FinalizationRegistry<Task>(task => endForGood(task, 'nothing refers to it any more'))

/** What stands in a circle with a request that would wait for the lock. */
export function deadlockOf(task: Task): string | undefined {
  const { lock, facts, calls } = agent
  if (lock === undefined || facts === undefined || !task.isProcess) return undefined
  const asked = `${task.action} (message ${task.id} from ${task.from})`
  const held = `${lock.action} (message ${lock.id})`
  if (task.waiting.includes(`${facts.self}:${lock.id}`))
    return `${asked} would wait for ${held}, which itself waits for it`
  // Of two processes that wait for each other one gives way: the one whose id is greater.
  if (!task.callerLocked || task.from < facts.self) return undefined
  for (const { task: waiter, to, isQuery, action } of calls.values()) {
    if (waiter === lock && to === task.from && !isQuery)
      return `${asked} would wait for ${held}, which waits for ${action} of ${to}`
  }
  return undefined
}
