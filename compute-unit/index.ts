// Executes feeds. `runHost` is the program of the child processes in which guests run.
export { ComputeUnit, type ComputeUnitParts } from './compute-unit.ts'
export { type FrameOutcome, type HostPipe, HostedProcess, imageTree, type ProcessSnapshot, runHost, type Verdict } from './evaluation/index.ts'
export type { EvaluatedFrame } from './follower.ts'
export { FrameResults } from './frame-results.ts'
export { HostSeat } from './host-pool.ts'
export { verdictsOn } from './verdicts.ts'
