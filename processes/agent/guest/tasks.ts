import { agent, implementation, type Task } from './agent.ts'
import { AgentError, tell, type Told } from './agent-error.ts'
import { AgentContext } from './context.ts'
import { check, own } from './definition.ts'
import { inputOf } from './input.ts'
import { queryFacts } from './queries.ts'
import { failStep, send, slot } from './slot.ts'

/** Requests that wait for the lock; one more is told to come later. */
const QUEUE_MAX = 1024

/** Takes a request in: it runs, or waits for the exclusive one before it. */
export function take(task: Task): void {
  slot.own = task
  if (!isExclusive(task.action)) run(task)
  else if (agent.lock === undefined && agent.queue.length === 0) run(task)
  else enqueue(task)
}

function enqueue(task: Task): void {
  const circle = deadlockOf(task)
  if (circle !== undefined) return fail(task, new AgentError('deadlock', circle))
  if (agent.queue.length >= QUEUE_MAX)
    return fail(task, new AgentError('busy', `${QUEUE_MAX} messages wait already`))
  agent.queue.push(task)
}

/** Whether a request must have the process for itself, from its beginning to its end. */
export function isExclusive(action: string): boolean {
  const { contract, definition } = implementation()
  const { reentrant } = definition
  if (own(contract.messages, action) === undefined) return false
  return reentrant !== true && !(Array.isArray(reentrant) && reentrant.includes(action))
}

/** Runs a request up to its end or its first wait. */
export function run(task: Task): void {
  const known = slot.failures.get(slot.step)
  if (known !== undefined) return refuse(task, known)
  task.state = 'running'
  const isLocking = isExclusive(task.action)
  if (isLocking) agent.lock = task
  try {
    const reply = invoke(task)
    if (!(reply instanceof Promise)) return succeed(task, reply)
    slot.isAsync = true
    reply.then(
      value => finish(task, () => succeed(task, value)),
      error => fail(task, error),
    )
  } catch (error) {
    fail(task, error)
  }
}

function finish(task: Task, end: () => void): void {
  try {
    end()
  } catch (error) {
    fail(task, error)
  }
}

function invoke(task: Task): unknown {
  const { contract, definition } = implementation()
  const { action } = task
  const query = own(contract.queries, action)
  const message = own(contract.messages, action)
  const shape = message ?? query
  if (shape === undefined) throw unknownAction(action)
  if (message !== undefined) authorize(task, message.allow)
  const input = inputOf(task, shape.input)
  const code = own(query === shape ? definition.query : definition.on, action)
  if (code === undefined)
    throw new AgentError('unknown-action', `${action} is promised, but not implemented`)
  return query === shape ? code(queryFacts(task.from), input) : code(new AgentContext(task), input)
}

function unknownAction(action: string): AgentError {
  const { contract } = implementation()
  const known = [...Object.keys(contract.messages), ...Object.keys(contract.queries)]
  const asked = action === '' ? 'a message without an Action' : action
  return new AgentError(
    'unknown-action',
    `${contract.name} has no ${asked}; it has ${known.join(', ')}`,
  )
}

function authorize({ action, from }: Task, allow: readonly string[]): void {
  if (allow.includes('anyone') || allow.includes(from)) return
  const { self, owner, parent } = agent.facts ?? {}
  if (allow.includes('owner') && from === owner) return
  if (allow.includes('self') && from === self) return
  if (allow.includes('parent') && from === parent) return
  throw new AgentError('not-allowed', `${action} is for ${allow.join(', ')}, not for ${from}`)
}

function succeed(task: Task, value: unknown): void {
  const { contract } = implementation()
  const shape = own(contract.messages, task.action) ?? own(contract.queries, task.action)
  if (shape === undefined) throw unknownAction(task.action)
  // What travels is the form that the schema takes.
  const isNothing = check(shape.reply, value, 'bad-reply', task.action) === undefined
  const text = isNothing ? '' : JSON.stringify(value)
  if (text === undefined)
    throw new AgentError('bad-reply', `${task.action}: a function is no reply`)
  end(task)
  if (task.reference !== undefined) {
    const tags = ['Action', 'Reply', 'X-Reference', task.reference]
    if (text !== '') tags.push('Content-Type', 'application/json')
    send([0, task.from, tags, text])
  }
  if (task === slot.own) slot.reply = task.isProcess ? '' : text
  else if (!task.isProcess) settled(task, text === '' ? '' : `,"reply":${text}`)
}

function end(task: Task): void {
  task.state = 'done'
  if (agent.lock === task) agent.lock = undefined
}

/**
 * A request that failed. What it did in this slot must not stand, and only the host can undo it: it runs the slot
 * again, and then the request ends here without being run.
 */
export function fail(task: Task, error: unknown): void {
  if (task.state === 'done') return
  if (task.state === 'running') {
    failStep(tell(error))
    return
  }
  refuse(task, tell(error))
}

/** Tells whoever asked that it came to nothing. */
export function refuse(task: Task, { code, message }: Pick<Told, 'code' | 'message'>): void {
  const wasOwnQuietly = task === slot.own && task.reference === undefined && slot.kind === 'message'
  end(task)
  if (wasOwnQuietly) {
    failStep({ code, message, stack: '' })
    return
  }
  if (task.reference !== undefined) {
    const tags = [
      'Action',
      'Error',
      'X-Reference',
      task.reference,
      'Error',
      code,
      'Content-Type',
      'application/json',
    ]
    send([0, task.from, tags, JSON.stringify({ code, message })])
  }
  if (task === slot.own) slot.reply = ''
  settled(task, `,"error":${JSON.stringify({ code, message })}`)
}

function settled(task: Task, rest: string): void {
  slot.settled.push(`{"message":${JSON.stringify(task.id)}${rest}}`)
}

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
