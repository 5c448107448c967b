// Executes feeds. `runHost` is the program of the child processes in which guests run.
export { ComputeUnit } from './compute-unit.ts'
export type { ComputeUnitParts } from './unit-parts.ts'
export {
  type FrameOutcome,
  type HostPipe,
  HostedProcess,
  type LoadedModule,
  type ProcessSnapshot,
  runHost,
  type Verdict,
} from './evaluation/index.ts'
export type { EvaluatedFrame } from './follower-parts.ts'
export { FrameResults } from './frame-results.ts'
export { type Host, HostSeat, type OpenHost } from './host-pool.ts'
export { childProcessHosts } from './host-process.ts'
export { inThreadHosts } from './in-thread-host.ts'
export { modulesNamedIn } from './named-modules.ts'
export { verdictsOn } from './verdicts.ts'
