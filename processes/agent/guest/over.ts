import { AgentError } from './agent-error.ts'

/** For code of a message that has failed, where it would still act. */
export const over = (): AgentError =>
  new AgentError('ended', 'this message has failed already, and what its code does after that does not count')

const refuse = (): never => {
  throw over()
}

/** Stands in the place of all that a context has. */
export const OVER: object = new Proxy({}, { get: refuse, set: refuse })
