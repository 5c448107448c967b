import { pino } from 'pino'

/** Writes JSON lines on standard error; standard output belongs to data. Secrets never reach it. */
export function createLogger(level: string): NodeLogger {
  return pino(
    { level, base: null, redact: ['*.seed', '*.adminToken', '*.authorization'] },
    pino.destination({ fd: 2, sync: false }),
  )
}

/** Facts first, then the sentence. */
export interface NodeLogger {
  debug(facts: object, text: string): void
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
  error(facts: object, text: string): void
}
