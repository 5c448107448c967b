export type { CommittedFrame } from './lane.ts'
export { SchedulerUnit, type SchedulerUnitParts } from './scheduler-unit.ts'
