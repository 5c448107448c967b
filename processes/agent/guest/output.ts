import { agent } from './agent.ts'
import { tell } from './agent-error.ts'
import { refuse } from './endings.ts'
import { host } from './host.ts'
import { isNearlyFull, sendsText, timersText } from './outbox.ts'
import { type Made, making, slot } from './slot.ts'
import { sendLate } from './answers.ts'
import { deadlockOf } from './tasks.ts'
import { rearm, WAKE_TIMER, wakeAt } from './wake.ts'

const AGAIN_MS = 1000

const rejections = new Map<unknown, unknown>()

/** Told by the engine: a promise was rejected and nobody listens, or somebody does now. */
export function rejected(promise: unknown, reason: unknown, isHandled: boolean): void {
  making()
  if (isHandled) rejections.delete(promise)
  else rejections.set(promise, reason)
}

/**
 * Whether a request that waited may run now. Not in the slot of another request: that one would pay for it, and fail
 * with it if it does not end. Nor where little is left of what a chain of messages brought: each request that waits would
 * live on less than the one before it.
 */
export function canRunQueued(): boolean {
  if (agent.lock !== undefined || agent.queue.length === 0) return false
  const { step, stepsMax, isSpent } = making()
  // Answers that wait go first: what begins could fill slot after slot.
  if (slot.kind === 'query' || agent.late.length > 0) return false
  if (slot.kind === 'message' && slot.own !== undefined) return false
  return !isSpent && step < stepsMax && !isNearlyFull()
}

/**
 * What a run gives to the host: effects as JSON or nothing, a line feed, the output. Or, if there is nothing but a reply,
 * that alone, which has no line feed: most runs end so, and each copy of a text costs.
 * May be called again if more happened; what it sends itself it sends once.
 */
export function seal(): string {
  const { own, reply } = slot
  const isLeft = agent.late.length > 0 || agent.queue.length > 0
  if (slot.made === undefined && reply && own?.state === 'done' && !isLeft && slot.kind !== WAKE_TIMER) return reply
  return sealAll(making())
}

function sealAll(made: Made): string {
  if (made.failed.size === 0) {
    close(made)
    if (agent.late.length > 0 || agent.queue.length > 0) goOn()
    if (rejections.size > 0) tellRejections()
  }
  if (made.failed.size > 0) return `${JSON.stringify({ failures: [...made.failed.values()] })}\n`
  const { sends, timers, document } = made
  const { reply, own } = slot
  const isMore = sends.length + timers.size + made.events.length + made.settled.length > 0
  if (reply && !isMore && own?.state === 'done' && document === undefined) return reply
  const sent = sends.length > 0 ? `"sends":[${sendsText(made)}]` : ''
  const set = timers.size > 0 ? `"timers":${timersText(made)}` : ''
  const head = sent === '' && set === '' ? '' : `{${sent}${sent === '' || set === '' ? '' : ','}${set}}`
  return `${head}\n${document ?? outputText(made)}`
}

function close(made: Made): void {
  if (made.isSealed) return
  made.isSealed = true
  if (made.isAsync) refuseCircles()
  made.waited = undefined
  if (slot.kind === WAKE_TIMER) rearm()
}

/** Sees to what later slots have to do. What jobs leave after the first `seal` counts too. */
function goOn(): void {
  // Nothing of a query stands.
  if (slot.kind === 'query') return
  const { isSpent, sends } = making()
  if (agent.late.length > 0 && !isSpent) sendLate()
  const isLeft = agent.late.length > 0 || (agent.lock === undefined && agent.queue.length > 0)
  if (!isLeft || agent.isNextSent || agent.facts === undefined) return
  agent.isNextSent = true
  // Beyond what is allowed to others: what is left must go on.
  if (!isSpent) sends.push([0, agent.facts.self, ['Action', '@next'], ''])
  // The message may come without fuel; a tick brings its own.
  wakeAt(slot.nowMs + AGAIN_MS)
}

function tellRejections(): void {
  for (const reason of rejections.values()) {
    const { message, stack } = tell(reason)
    host.log(`a rejected promise nobody handles: ${message}\n${stack}`.trimEnd())
  }
  rejections.clear()
}

/** Requests in the queue that can never run, because whoever has the lock waits for them. */
function refuseCircles(): void {
  if (agent.lock === undefined || agent.queue.length === 0) return
  agent.queue = agent.queue.filter(task => {
    const circle = deadlockOf(task)
    making().waited = task
    if (circle !== undefined) refuse(task, { code: 'deadlock', message: circle })
    return circle === undefined
  })
}

function outputText({ events, settled }: Made): string {
  const { own, reply } = slot
  if (events.length + settled.length === 0 && own?.state === 'done')
    return reply === undefined || reply === '' ? '{}' : `{"reply":${reply}}`
  const isPending = own !== undefined && own.state !== 'done'
  let text = reply === undefined || reply === '' ? '' : `,"reply":${reply}`
  if (isPending) text += ',"pending":true'
  if (events.length > 0) text += `,"events":[${events.join(',')}]`
  if (settled.length > 0) text += `,"settled":[${settled.join(',')}]`
  return text === '' ? '{}' : `{${text.slice(1)}}`
}
