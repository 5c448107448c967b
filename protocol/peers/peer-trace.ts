import { fromUtf8, MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { asMessageId, asProcessId, type MessageId, type ProcessId } from '../ids.ts'
import { cborCodec, expectFields, type PeerCodec, writeId } from './peer-operation.ts'
import type { Trace, TraceBounds } from '../ports.ts'
import { readId, readSmall } from '../process/push.ts'
import { TraceView } from '../operations/trace-view.ts'
import { toJsonValue } from '../codec/wire.ts'

/** `[process, message, nodes, levels]`: no more of the tree than that. */
export const tracePlaceCodec: PeerCodec<{
  readonly process: ProcessId
  readonly message: MessageId
  readonly bounds: TraceBounds
}> = cborCodec(
  (writer, { process, message, bounds }) => {
    writer.array(4)
    writeId(writer, process)
    writeId(writer, message)
    writer.uint(bounds.nodes)
    writer.uint(bounds.levels)
  },
  reader => {
    expectFields(reader, 4)
    return {
      process: asProcessId(readId(reader)),
      message: asMessageId(readId(reader)),
      bounds: { nodes: readSmall(reader), levels: readSmall(reader) },
    }
  },
)

/** The JSON that the operation `trace` of the native API answers with. */
export const traceCodec: PeerCodec<Trace> = {
  encode: trace => toUtf8(JSON.stringify(toJsonValue(trace))),
  decode(bytes) {
    const view = TraceView.safeDecode(parseJson(bytes) as never)
    if (!view.success) throw new MalformedBytes('expected a tree of messages', 0)
    // A field that is not there reads as undefined, as the port has it.
    return view.data as unknown as Trace
  },
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch {
    throw new MalformedBytes('expected JSON', 0)
  }
}
