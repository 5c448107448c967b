import { z } from 'zod'
import { fromUtf8, MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { MessageId } from '../ids.ts'
import { ResultErrorView } from '../operations/trace-view.ts'
import type { DeepReadonly } from '../codec/wire.ts'

const Settled = z.union([
  z.object({ message: MessageId, error: ResultErrorView }),
  z.object({ message: MessageId, reply: z.unknown().optional(), error: z.undefined().optional() }),
])

/**
 * The output of a slot of a process that keeps a contract (formats `agent` and `command`), as UTF-8 JSON.
 * `{}`: the message was answered with nothing. `pending`: it goes on; a later slot has it under `settled`.
 */
export const ProcessOutput = z.object({
  reply: z.unknown().optional(),
  pending: z.literal(true).optional(),
  events: z.array(z.object({ name: z.string(), data: z.unknown().optional() })).optional(),
  settled: z.array(Settled).optional(),
})
export type ProcessOutput = DeepReadonly<z.output<typeof ProcessOutput>>

/** How a message ended, that a slot did not end with. */
export type SettledMessage = NonNullable<ProcessOutput['settled']>[number]

/** The bytes of an output. */
export function encodeProcessOutput(output: ProcessOutput): Uint8Array {
  return toUtf8(JSON.stringify(output))
}

/** Reads an output; no bytes at all are `{}`. @throws {MalformedBytes} if the process does not answer in this form */
export function decodeProcessOutput(bytes: Uint8Array): ProcessOutput {
  if (bytes.length === 0) return {}
  let read: unknown
  try {
    read = JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new MalformedBytes('an output that is not JSON', 0)
  }
  const parsed = ProcessOutput.safeParse(read)
  if (!parsed.success) throw new MalformedBytes('an output of another form', 0)
  return parsed.data
}
