import type { KeyId, MessageId, ModuleId, ProcessId } from './ids.ts'
import type { CallOptions, ScheduleAnswer, ScheduleRequest, Trace } from './ports.ts'

/**
 * Other nodes, as this one reaches them. Nobody there is believed: what they give is checked by whoever asks.
 * Every call may fail with `unreachable` or `timeout`.
 */
export interface Peers {
  /** Hands requests to the node that schedules with the key `scheduler`; answers in the same order. */
  schedule(
    scheduler: KeyId,
    requests: readonly ScheduleRequest[],
    options?: CallOptions,
  ): Promise<readonly ScheduleAnswer[]>
  /** The encoded envelope of slot 0 of a process, from whoever has it; nothing if nobody in reach does. */
  spawnEnvelope(process: ProcessId, options?: CallOptions): Promise<Uint8Array | undefined>
  /** The signed item of a module, from whoever has it. */
  moduleItem(module: ModuleId, options?: CallOptions): Promise<Uint8Array | undefined>
  /** Blocks of the message feed of a process from `from` on, as many as fit an answer; none if there are no more. */
  frames(
    scheduler: KeyId,
    process: ProcessId,
    from: number,
    options?: CallOptions,
  ): Promise<readonly Uint8Array[]>
  /** The tree below a message of a process which that node schedules. @throws {Failure} `unknown-message` too */
  trace(
    scheduler: KeyId,
    process: ProcessId,
    message: MessageId,
    options?: CallOptions,
  ): Promise<Trace>
}
