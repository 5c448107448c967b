import { agent } from './agent.ts'
import { tell, type Told } from './agent-error.ts'
import { answerError } from './answers.ts'
import { OVER } from './over.ts'
import { failStep, making, slot } from './slot.ts'
import type { Task } from './task.ts'

/** A request is over: the next may have the lock. */
export function end(task: Task): void {
  task.state = 'done'
  if (agent.lock === task) agent.lock = undefined
}

/** The same for one that waited. */
export function close(task: Task): void {
  task.context = undefined
  agent.open.delete(task)
}

/**
 * A request that failed. What it did in this slot must not stand, and only the host can undo it: it runs the slot
 * again, and then the request ends before the step in which it failed (`failed-steps.ts`).
 */
export function fail(task: Task, error: unknown): void {
  if (task.state === 'done') return
  if (task.state === 'running') {
    failStep(tell(error), task)
    return
  }
  refuse(task, tell(error))
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
  making().settled.push(settled(task, `,"error":${JSON.stringify({ code, message })}`))
}

/** JSON of how a request of an earlier slot ended. */
export const settled = (task: Task, rest: string): string => `{"message":${JSON.stringify(task.id)}${rest}}`
