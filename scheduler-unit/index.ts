export { framesOf } from './co-signing/frames-of.ts'
export type { CommittedFrame } from './lanes/committed-frame.ts'
export { SchedulerUnit, type SchedulerUnitParts } from './scheduler-unit.ts'
