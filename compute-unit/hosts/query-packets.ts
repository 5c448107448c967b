import {
  type CborReader,
  type CborWriter,
  type QueryMessage,
  readSmall,
  readTags,
  writeTags,
} from '../../protocol/index.ts'
import { optional } from '../optional-value.ts'

export function writeQuery(writer: CborWriter, message: QueryMessage): void {
  writer.array(8)
  writer.text(message.id)
  writer.text(message.from)
  writer.text(message.owner)
  writeTags(writer, message.tags)
  writer.bytes(message.data)
  if (message.anchor === undefined) writer.null()
  else writer.bytes(message.anchor)
  if (message.timestampMs === undefined) writer.null()
  else writer.uint(message.timestampMs)
  if (message.certificate === undefined) writer.null()
  else writer.bytes(message.certificate)
}

export function readQuery(reader: CborReader): QueryMessage {
  reader.array()
  return {
    id: reader.text(),
    from: reader.text(),
    owner: reader.text(),
    tags: readTags(reader),
    data: reader.bytes(),
    anchor: optional(reader, () => reader.bytes()),
    timestampMs: optional(reader, () => readSmall(reader)),
    certificate: optional(reader, () => reader.bytes()),
  }
}
