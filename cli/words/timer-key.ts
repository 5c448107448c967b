import { SCHEDULE_TIMER_PREFIX } from '../../protocol/index.ts'

/** The name of a timer as users write it: schedules of agents by their key alone. */
export function timerKey(name: string): string {
  return name.startsWith(SCHEDULE_TIMER_PREFIX) ? name.slice(SCHEDULE_TIMER_PREFIX.length) : name
}
