import { pino } from 'pino'

const SECRETS = ['seed', 'adminToken', 'authorization']

/**
 * Writes JSON lines on standard error, where standard output belongs to data, or hands each to `write`. Secrets never reach
 * it.
 */
export function createLogger(level: string, write?: (line: string) => void): NodeLogger {
  return pino(
    { level, base: null, redact: SECRETS.flatMap(name => [name, `*.${name}`]) },
    write === undefined ? pino.destination({ fd: 2, sync: false }) : { write },
  )
}

/** Facts first, then the sentence. */
export interface NodeLogger {
  debug(facts: object, text: string): void
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
  error(facts: object, text: string): void
}
