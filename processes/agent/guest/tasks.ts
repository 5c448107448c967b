import { agent, implementation } from './agent.ts'
import type { Task } from './task.ts'
import { AgentError } from './agent-error.ts'
import { answerReply } from './answers.ts'
import { AgentContext } from './context.ts'
import { close, end, fail, refuse, settled } from './endings.ts'
import { knownFailure } from './failed-steps.ts'
import { mayRunBeside, noSuchAction, type Route, routeOf } from './routes.ts'
import { inputOf } from './input.ts'
import { queryFacts } from './queries.ts'
import { outputReply, replyText } from './reply-text.ts'
import { addSettled } from './outbox.ts'
import { making, slot } from './slot.ts'

/** Requests that wait for the lock; one more is told to come later. */
const QUEUE_MAX = 1024

/** Takes a request in: it runs, or waits for the exclusive one before it. */
export function take(task: Task): void {
  slot.own = task
  const isFree = agent.lock === undefined && agent.queue.length === 0
  if (isFree || routeOf(task)?.isExclusive !== true) run(task)
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
  const known = slot.made === undefined ? undefined : knownFailure(task)
  if (known !== undefined) return refuse(task, known)
  task.state = 'running'
  try {
    const route = routeOf(task)
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
    making().isAsync = true
    reply.then(
      value => finish(task, () => succeed(task, route, value)),
      error => fail(task, error),
    )
  } catch (error) {
    fail(task, error)
  }
}

function finish(task: Task, answer: () => void): void {
  // It was told already that it came to nothing.
  if (task.state === 'done') return
  try {
    answer()
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
  if (task === slot.own && !task.isProcess) slot.reply = outputReply(route, value, task.action)
  else {
    const text = replyText(route.reply, value, task.action)
    if (task.isProcess) replyTo(task, text, typeof value === 'number')
    else addSettled(settled(task, text === '' ? '' : `,"reply":${text}`))
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
  if (slot.own === undefined || task === slot.own || task === slot.made?.waited) throw failure
  refuse(task, failure)
}

/** Mostly a number as we write it ourselves. */
const quotedReference = (reference: string): string =>
  String(Number(reference)) === reference ? `"${reference}"` : JSON.stringify(reference)

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
