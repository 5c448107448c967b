import {
  asModuleId,
  asProcessId,
  CborReader,
  type CborWriter,
  MalformedBytes,
  type ProcessId,
  readId,
  readSmall,
  readTags,
  writeTags,
} from '../../protocol/index.ts'
import { optional } from '../optional-value.ts'
import type { HostModule, HostRequest } from './host-words.ts'
import { readQuery, writeQuery } from './query-packets.ts'
import { readSnapshot, writeSnapshot } from './snapshot-packets.ts'
import { readVerdicts, writeVerdicts } from './verdict-packets.ts'

/** A packet names what it asks for by its place here. */
const REQUESTS = [
  'check',
  'load',
  'open',
  'evaluate',
  'query',
  'delta',
  'cell',
  'memory',
  'close',
  'rest',
  'export',
  'rehearse',
  'unload',
] as const

export function writeRequest(writer: CborWriter, number: number, request: HostRequest): void {
  writer.array(request.kind === 'rest' ? 2 : 3)
  writer.uint(number)
  writer.uint(REQUESTS.indexOf(request.kind))
  switch (request.kind) {
    case 'check':
    case 'load':
      writeModule(writer, request.module)
      break
    case 'open':
      writer.array(4)
      writer.base64Url(request.process)
      writer.base64Url(request.module)
      writer.bytes(request.spawn)
      if (request.snapshot === undefined) writer.null()
      else writeSnapshot(writer, request.snapshot)
      break
    case 'evaluate':
      writer.array(5)
      writer.base64Url(request.process)
      writer.bytes(request.frame)
      writeVerdicts(writer, request.verdicts)
      writer.bool(request.steps)
      writer.bool(request.impatient === true)
      break
    case 'query':
      writer.array(4)
      writer.base64Url(request.process)
      writeQuery(writer, request.message)
      writer.uint(request.timestampMs)
      writer.bool(request.impatient === true)
      break
    case 'export':
    case 'rehearse':
      writer.array(3)
      writer.base64Url(request.process)
      writeTags(writer, request.tags)
      writer.uint(request.timestampMs)
      break
    case 'cell':
      writer.array(2)
      writer.base64Url(request.process)
      writer.bytes(request.key)
      break
    case 'delta':
    case 'memory':
    case 'close':
      writer.base64Url(request.process)
      break
    case 'unload':
      writer.base64Url(request.module)
      break
    case 'rest':
  }
}

export function decodeRequest(bytes: Uint8Array): { number: number; request: HostRequest } {
  const reader = new CborReader(bytes)
  reader.array()
  const number = readSmall(reader)
  return { number, request: readRequest(reader, REQUESTS[readSmall(reader)]) }
}

function readRequest(reader: CborReader, kind: HostRequest['kind'] | undefined): HostRequest {
  const process = (): ProcessId => asProcessId(readId(reader))
  switch (kind) {
    case 'check':
    case 'load':
      return { kind, module: readModule(reader) }
    case 'open':
      reader.array()
      return {
        kind,
        process: process(),
        module: asModuleId(readId(reader)),
        spawn: reader.bytes(),
        snapshot: optional(reader, () => readSnapshot(reader)),
      }
    case 'evaluate':
      reader.array()
      return {
        kind,
        process: process(),
        frame: reader.bytes(),
        verdicts: readVerdicts(reader),
        steps: reader.bool(),
        impatient: reader.bool(),
      }
    case 'query':
      reader.array()
      return {
        kind,
        process: process(),
        message: readQuery(reader),
        timestampMs: readSmall(reader),
        impatient: reader.bool(),
      }
    case 'export':
    case 'rehearse':
      reader.array()
      return { kind, process: process(), tags: readTags(reader), timestampMs: readSmall(reader) }
    case 'cell':
      reader.array()
      return { kind, process: process(), key: reader.bytes() }
    case 'delta':
    case 'memory':
    case 'close':
      return { kind, process: process() }
    case 'unload':
      return { kind, module: asModuleId(readId(reader)) }
    case 'rest':
      return { kind }
    default:
      throw new MalformedBytes('host request: unknown kind', reader.offset)
  }
}

function writeModule(writer: CborWriter, module: HostModule): void {
  writer.array(5)
  writer.base64Url(module.id)
  writer.text(module.owner)
  writer.text(module.format)
  writeTags(writer, module.tags)
  writer.bytes(module.wasm)
}

function readModule(reader: CborReader): HostModule {
  reader.array()
  const id = asModuleId(readId(reader))
  return { id, owner: reader.text(), format: reader.text(), tags: readTags(reader), wasm: reader.bytes() }
}
