// Executes feeds. `runHost` is the program of the child processes in which guests run.
export { ComputeUnit } from './compute-unit.ts'
export type { ComputeUnitParts } from './following/unit-parts.ts'
export {
  type FrameOutcome,
  type HostPipe,
  HostedProcess,
  type LoadedModule,
  type ProcessSnapshot,
  runHost,
  type Verdict,
} from './evaluation/index.ts'
export type { EvaluatedFrame } from './following/follower-parts.ts'
export { FrameResults } from './kept/frame-results.ts'
export { type Host, HostSeat, type OpenHost } from './hosts/host-pool.ts'
export { childProcessHosts } from './hosts/host-process.ts'
export { inThreadHosts } from './hosts/in-thread-host.ts'
export { modulesNamedIn } from './kept/named-modules.ts'
export { verdictsOn } from './following/verdicts.ts'
