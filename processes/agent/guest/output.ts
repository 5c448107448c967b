import { agent } from './agent.ts'
import { tell } from './agent-error.ts'
import { refuse } from './endings.ts'
import { host } from './host.ts'
import { isNearlyFull, sendsText, slot, timersText } from './slot.ts'
import { sendLate } from './answers.ts'
import { deadlockOf } from './tasks.ts'
import { rearm, WAKE_TIMER, wakeAt } from './wake.ts'

const AGAIN_MS = 1000

const rejections = new Map<unknown, unknown>()

/** Told by the engine: a promise was rejected and nobody listens, or somebody does now. */
export function rejected(promise: unknown, reason: unknown, isHandled: boolean): void {
  if (isHandled) rejections.delete(promise)
  else rejections.set(promise, reason)
}

/**
 * Whether a request that waited may run now. Not in the slot of another request: that one would pay for it, and fail
 * with it if it does not end. Nor where little is left of what a chain of messages brought: each request that waits would
 * live on less than the one before it.
 */
export function canRunQueued(): boolean {
  if (agent.lock !== undefined || agent.queue.length === 0 || slot.isSpent) return false
  // Answers that wait go first: what begins could fill slot after slot.
  if (slot.kind === 'query' || agent.late.length > 0) return false
  if (slot.kind === 'message' && slot.own !== undefined) return false
  return slot.step < slot.stepsMax && !isNearlyFull()
}

/**
 * What a run gives to the host: effects as JSON or nothing, a line feed, the output. Or, if there is nothing but a reply,
 * that alone, which has no line feed: most runs end so, and each copy of a text costs.
 * May be called again if more happened; what it sends itself it sends once.
 */
export function seal(): string {
  if (slot.failed.size === 0) {
    close()
    if (agent.late.length > 0 || agent.queue.length > 0) goOn()
    if (rejections.size > 0) tellRejections()
  }
  if (slot.failed.size > 0) return `${JSON.stringify({ failures: [...slot.failed.values()] })}\n`
  const { sends, timers, reply, own } = slot
  const isMore = sends.length + timers.size + slot.events.length + slot.settled.length > 0
  if (reply && !isMore && own?.state === 'done' && slot.document === undefined) {
    slot.isBare = slot.step === 0 && slot.failures.size === 0
    return reply
  }
  const sent = sends.length > 0 ? `"sends":[${sendsText()}]` : ''
  const set = timers.size > 0 ? `"timers":${timersText()}` : ''
  const head = sent === '' && set === '' ? '' : `{${sent}${sent === '' || set === '' ? '' : ','}${set}}`
  return `${head}\n${slot.document ?? outputText()}`
}

function close(): void {
  if (slot.isSealed) return
  slot.isSealed = true
  if (slot.isAsync) refuseCircles()
  slot.waited = undefined
  if (slot.kind === WAKE_TIMER) rearm()
}

/** Sees to what later slots have to do. What jobs leave after the first `seal` counts too. */
function goOn(): void {
  // Nothing of a query stands.
  if (slot.kind === 'query') return
  if (agent.late.length > 0 && !slot.isSpent) sendLate()
  const isLeft = agent.late.length > 0 || (agent.lock === undefined && agent.queue.length > 0)
  if (!isLeft || agent.isNextSent || agent.facts === undefined) return
  agent.isNextSent = true
  // Beyond what is allowed to others: what is left must go on.
  if (!slot.isSpent) slot.sends.push([0, agent.facts.self, ['Action', '@next'], ''])
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
    slot.waited = task
    if (circle !== undefined) refuse(task, { code: 'deadlock', message: circle })
    return circle === undefined
  })
}

function outputText(): string {
  const { own, reply, events, settled } = slot
  if (events.length + settled.length === 0 && own?.state === 'done')
    return reply === undefined || reply === '' ? '{}' : `{"reply":${reply}}`
  const isPending = own !== undefined && own.state !== 'done'
  let text = reply === undefined || reply === '' ? '' : `,"reply":${reply}`
  if (isPending) text += ',"pending":true'
  if (events.length > 0) text += `,"events":[${events.join(',')}]`
  if (settled.length > 0) text += `,"settled":[${settled.join(',')}]`
  return text === '' ? '{}' : `{${text.slice(1)}}`
}
