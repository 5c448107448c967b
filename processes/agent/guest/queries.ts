import { agent, implementation } from './agent.ts'
import type { Task } from './task.ts'
import { AgentError } from './agent-error.ts'
import { format } from './format.ts'
import { host } from './host.ts'
import { inputOf } from './input.ts'
import { noSuchAction, routeOf } from './routes.ts'
import { outputReply } from './reply-text.ts'
import { slot } from './slot.ts'

/** What code of a query gets: the state and facts, and nothing to act with. */
export function queryFacts(from: string): unknown {
  const { facts } = agent
  return {
    // A query that came as a message has a slot, and what it did to the state would stand.
    state: slot.kind === 'query' ? agent.state : copied(agent.state),
    self: facts?.self,
    owner: facts?.owner,
    parent: facts?.parent,
    from,
    now: new Date(slot.nowMs),
    log: (...words: unknown[]) => host.log(format(words)),
  }
}

const copied = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))

/** Answers a dry-run: JSON or `WRITTEN`, empty for nothing. */
export function answer(task: Task): string {
  const { action, from } = task
  if (action === '@state') return JSON.stringify(agent.state) ?? ''
  const { contract } = implementation()
  const route = routeOf(task)
  if (route?.isQuery !== true) {
    const known = [...Object.keys(contract.queries), '@state', '@contract', '@export']
    throw noSuchAction(contract.name, 'query', action, known)
  }
  const reply = route.run(queryFacts(from), inputOf(task, route.input))
  if (reply instanceof Promise) throw new AgentError('bad-reply', `${action}: a query answers at once, it cannot wait`)
  return outputReply(route, reply, action)
}
