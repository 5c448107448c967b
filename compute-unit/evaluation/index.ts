// What runs in a host: the pure fold from assignments to results.
export type { SenderFacts } from './guest-messages.ts'
export { type HostPipe, Host, runHost } from './host.ts'
export {
  type FrameOutcome,
  HostedProcess,
  imageTree,
  type ProcessSnapshot,
  type SnapshotDelta,
  type Verdict,
} from './hosted-process.ts'
