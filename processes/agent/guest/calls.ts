import { agent, type Call, type Reply } from './agent.ts'
import { FLAGS, type Task } from './task.ts'
import { AgentError, unplaced } from './agent-error.ts'
import { msFromNow } from './from-now.ts'
import { over } from './over.ts'
import { sendText } from './outbox.ts'
import { making } from './slot.ts'
import { checkTags } from './tags.ts'
import { wakeAt } from './wake.ts'

const TIMEOUT_DEFAULT_MS = 60_000
const TIMEOUT_MIN_MS = 1000
/** Before another is asked again who had too much to do. */
const BUSY_PAUSE_MS = 1000
const CALLS_MAX = 10_000
/** What makes a message a call, without the chain of those that wait. */
const CALL_TAGS = 3
const CALL_TAGS_BYTES = 32
/** `<process>:<message>` */
const LINK_MAX = 87
/** Links of a chain of waiting calls that are told on; the tags of a message have room for no more. */
const CHAIN_MAX = 24

export interface Request {
  readonly task: Task | undefined
  readonly to: string
  readonly answerer?: string
  readonly action: string
  /** Names and values, to which is added what makes it a call; or JSON of them, without brackets, if `to` is an id. */
  readonly tags: readonly string[] | string
  readonly data: string
  readonly isQuery?: boolean
  readonly timeoutMs: number | undefined
  readonly retries?: number
}

/** Sends a request and waits for its reply. Fails with `call-limit` or `too-deep`; rejects with `call-timeout`, or with what the other side says. */
function call(request: Request): Promise<Reply> {
  const { task, to, action } = request
  if (task?.isFailed === true) throw over()
  if (agent.calls.size >= CALLS_MAX) throw new AgentError('call-limit', `more than ${CALLS_MAX} calls wait for replies`)
  const made = making()
  if (made.isDeep || ((made.waited?.flags ?? 0) & FLAGS.isDeep) !== 0)
    throw new AgentError(
      'too-deep',
      `${action} of ${to}: the chain of messages that led here ends; go on after ctx.sleep, which begins a new one`,
    )
  const reference = ++agent.lastNumber
  const timeoutMs = Math.max(TIMEOUT_MIN_MS, request.timeoutMs ?? TIMEOUT_DEFAULT_MS)
  const head = headOf(request, reference)
  const again = () => sendText(head, request.data)
  again()
  const deadlineMs = msFromNow(timeoutMs)
  wakeAt(deadlineMs)
  made.isAsync = true
  return new Promise((resolve, reject) => {
    agent.calls.set(reference, {
      reference,
      task,
      to,
      answerer: request.answerer ?? to,
      action,
      isQuery: request.isQuery ?? false,
      timeoutMs,
      deadlineMs,
      retries: request.retries ?? 0,
      again,
      resolve,
      reject,
    })
  })
}

/**
 * Gives what a request is answered with, as `read` reads it. What it fails with has no place yet: it is told with that where the program
 * awaits this.
 */
export async function answered<T>(request: () => Request, read: (reply: Reply) => T): Promise<T> {
  const waiting = call(request())
  try {
    return read(await waiting)
  } catch (error) {
    // Thrown here, it would have its place here.
    return Promise.reject(error instanceof AgentError ? unplaced(error) : error)
  }
}

/** JSON of the message up to its data. Spelled by hand: its texts are quoted once, or need not be. */
function headOf({ task, to, tags }: Request, reference: number): string {
  const isKnown = typeof tags === 'string'
  const named = isKnown ? tags : JSON.stringify(tags).slice(1, -1)
  const comma = named === '' ? '' : ','
  const target = isKnown ? `"${to}"` : JSON.stringify(to)
  const chain = chainTags(task)
  if (!isKnown) checkTags(tags, CALL_TAGS, CALL_TAGS_BYTES + chain.length)
  return `[0,${target},[${named}${comma}"Reference","${reference}"${chain}]`
}

/** Who waits while this request is under way, so that whoever is asked can see a circle: JSON, with a comma before. */
function chainTags(task: Task | undefined): string {
  if (task === undefined || agent.facts === undefined) return ''
  task.chain ??= `,"Waiting",${JSON.stringify(chainOf(task, `${agent.facts.self}:${task.id}`))}`
  return agent.lock === task ? `${task.chain},"Exclusive","true"` : task.chain
}

function chainOf(task: Task, last: string): string {
  // Others tell what they like.
  const above = task.reference === undefined ? [] : task.waiting.filter(link => link.length <= LINK_MAX)
  return [...above, last].slice(-CHAIN_MAX).join(',')
}

/** The call that a message answers, if it comes from whom was asked. */
export function answeredCall({ answers, from }: Task): Call | undefined {
  if (answers === undefined) return undefined
  const found = agent.calls.get(Number(answers))
  return found?.answerer === from ? found : undefined
}

/** Lets whoever waits for a call that was taken out of the list go on. */
export function settleCall(settled: Call, reply: Task): void {
  const code = reply.error
  if (code === 'busy' && settled.retries > 0) return waitOn(settled, BUSY_PAUSE_MS)
  making().isAsync = true
  if (reply.action === 'Error' || code !== undefined) settled.reject(errorOf(settled, reply, code))
  else settled.resolve(reply)
}

function errorOf({ action, to }: Call, { data }: Reply, code: string | undefined): AgentError {
  let message = data
  try {
    const told = JSON.parse(data) as { message?: unknown }
    if (typeof told.message === 'string') message = told.message
  } catch {
    // Not ours: its text is the message.
  }
  return new AgentError(code ?? 'call-failed', `${action} of ${to} failed: ${message}`)
}

function waitOn(call: Call, ms: number): void {
  call.deadlineMs = msFromNow(ms)
  agent.calls.set(call.reference, call)
  wakeAt(call.deadlineMs)
}

/** A call whose time is up, taken out of the list: sent again, or given up. */
export function expireCall(expired: Call): void {
  if (expired.retries > 0) {
    expired.retries -= 1
    waitOn(expired, expired.timeoutMs)
    expired.again()
    return
  }
  making().isAsync = true
  const { action, to, timeoutMs } = expired
  expired.reject(new AgentError('call-timeout', `${action} of ${to} gave no reply in ${timeoutMs} ms`))
}
