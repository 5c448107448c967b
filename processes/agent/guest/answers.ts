import { type Asker, agent } from './agent.ts'
import { AgentError } from './agent-error.ts'
import { host } from './host.ts'
import { hasRoomFor, SENDS_MAX_BYTES, sendText } from './outbox.ts'
import { making } from './slot.ts'
import type { Task } from './task.ts'
import { bytesOf } from './text-bytes.ts'

/** Answers that wait for room, and their bytes with those of the requests they keep. Twice as many with errors, which are short. */
const LATE_MAX = 10_000
const LATE_MAX_BYTES = 8_000_000
let lateBytes = 0

/** Sends a reply, or keeps it for a later slot. Gives why it does neither. */
export function answerReply(
  task: Task,
  head: string,
  text: string,
  quoted: string | undefined,
): AgentError | undefined {
  const bytes = head.length + bytesOf(text)
  if (hasRoomFor(bytes)) {
    sendText(head, text, quoted, bytes)
    return undefined
  }
  if (bytes > SENDS_MAX_BYTES)
    return new AgentError('outbox-limit', `a reply of more than ${SENDS_MAX_BYTES} bytes fits no slot`)
  const kept = bytes + task.data.length
  if (agent.late.length >= LATE_MAX || lateBytes + kept > LATE_MAX_BYTES)
    return new AgentError('outbox-limit', 'too many replies wait to be sent')
  agent.late.push({ asker: task, payer: task, head, text, quoted, bytes })
  lateBytes += kept
  return undefined
}

/** Tells whoever waits that it came to nothing, now or in a later slot. */
export function answerError(asker: Asker, payer: Task | undefined, code: string, message: string): void {
  const { from, reference } = asker
  if (reference === undefined) return
  const tags = ['Action', 'Error', 'X-Reference', reference, 'Error', code, 'Content-Type', 'application/json']
  const head = `[0,${JSON.stringify(from)},${JSON.stringify(tags)}`
  const text = JSON.stringify({ code, message })
  const bytes = head.length + bytesOf(text)
  if (hasRoomFor(bytes)) return sendText(head, text, undefined, bytes)
  if (agent.late.length >= 2 * LATE_MAX) return host.log(`${from} is not told that its request failed: ${code}`)
  agent.late.push({ asker, payer, head, text, quoted: undefined, bytes })
  lateBytes += bytes + (payer?.data.length ?? 0)
}

/**
 * Sends answers that found no room, in their order, as long as the next has room now: they lie below what they answer and
 * live on what that brought. In a slot that sends nothing else there is room for one at least.
 */
export function sendLate(): void {
  let sent = 0
  for (const { payer, head, text, quoted, bytes } of agent.late) {
    if (!hasRoomFor(bytes)) break
    making().waited = payer
    sendText(head, text, quoted, bytes)
    lateBytes -= bytes + (payer?.data.length ?? 0)
    sent += 1
  }
  agent.late.splice(0, sent)
  making().waited = undefined
}
