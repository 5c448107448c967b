// What runs in a host: the pure fold from assignments to results.
export { Host, type HostPipe, runHost } from './host.ts'
export type { FrameOutcome, ProcessSnapshot, SnapshotDelta, Verdict } from './frame-outcome.ts'
export { HostedProcess } from './hosted-process.ts'
export { decodeLifecycle, encodeLifecycle } from './lifecycle-cells.ts'
export type { LoadedModule } from './loaded-module.ts'
