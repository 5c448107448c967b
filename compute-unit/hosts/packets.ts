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
  type ResultError,
  type Timer,
  writeTags,
} from '../../protocol/index.ts'
import { toBytes, toCellKey } from '../evaluation/cells.ts'
import { decodeLifecycle, encodeLifecycle } from '../evaluation/lifecycle-cells.ts'
import type { FrameOutcome, ProcessSnapshot, SnapshotDelta } from '../evaluation/frame-outcome.ts'
import type { HostAnswer, HostModule, HostRequest } from './host-words.ts'
import { optional } from '../optional-value.ts'
import { readQuery, writeQuery } from './query-packets.ts'
import { readVerdicts, writeVerdicts } from './verdict-packets.ts'

export type { HostAnswer, HostModule, HostRequest } from './host-words.ts'

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
const ANSWERS = [
  'done',
  'refused',
  'opened',
  'evaluated',
  'queried',
  'delta',
  'bytes',
  'fault',
  'alive',
  'exported',
  'too-long',
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

export function writeAnswer(writer: CborWriter, number: number, answer: HostAnswer): void {
  writer.array(3)
  writer.uint(number)
  writer.uint(ANSWERS.indexOf(answer.kind))
  switch (answer.kind) {
    case 'opened':
      writer.array(3)
      writer.bytes(answer.stateRoot)
      writer.uint(answer.sizeBytes)
      writeTimers(writer, answer.timers)
      break
    case 'evaluated':
      writer.array(2)
      writeOutcome(writer, answer.outcome)
      writer.uint(answer.sizeBytes)
      break
    case 'queried':
      writer.array(6)
      writer.uint(answer.slot)
      writer.bool(answer.status === 'ok')
      writer.uint(answer.gas)
      writeError(writer, answer.error)
      writer.bytes(answer.output)
      writer.text(answer.log)
      break
    case 'exported':
      writer.array(6)
      writer.uint(answer.slot)
      writer.base64Url(answer.module)
      writer.bool(answer.ending.status === 'ok')
      writer.uint(answer.ending.gas)
      writeError(writer, answer.ending.status === 'ok' ? undefined : answer.ending.error)
      writer.bytes(answer.ending.output ?? new Uint8Array(0))
      break
    case 'delta':
      writer.array(2)
      writeSnapshot(writer, answer.delta)
      writer.bytes(answer.delta.stateRoot)
      break
    case 'bytes':
      writer.array(2)
      if (answer.bytes === undefined) writer.null()
      else writer.bytes(answer.bytes)
      writer.uint(answer.slot)
      break
    case 'fault':
      writer.array(3)
      writer.text(answer.message)
      for (const is of [answer.fatal, answer.untouched]) writer.bool(is)
      break
    case 'refused':
      writer.text(answer.reason)
      break
    case 'done':
    case 'alive':
    case 'too-long':
      writer.null()
      break
  }
}

export function decodeAnswer(bytes: Uint8Array): { number: number; answer: HostAnswer } {
  const reader = new CborReader(bytes)
  reader.array()
  const number = readSmall(reader)
  return { number, answer: readAnswer(reader, ANSWERS[readSmall(reader)]) }
}

function readAnswer(reader: CborReader, kind: HostAnswer['kind'] | undefined): HostAnswer {
  switch (kind) {
    case 'opened':
      reader.array()
      return { kind, stateRoot: reader.bytes(), sizeBytes: readSmall(reader), timers: readTimers(reader) }
    case 'evaluated':
      reader.array()
      return { kind, outcome: readOutcome(reader), sizeBytes: readSmall(reader) }
    case 'queried':
      reader.array()
      return {
        kind,
        slot: readSmall(reader),
        status: reader.bool() ? 'ok' : 'error',
        gas: BigInt(reader.uint()),
        error: readError(reader),
        output: reader.bytes(),
        log: reader.text(),
      }
    case 'exported': {
      reader.array()
      const [slot, module] = [readSmall(reader), asModuleId(readId(reader))]
      const [, gas, error, output] = [reader.bool(), BigInt(reader.uint()), readError(reader), reader.bytes()]
      return {
        kind,
        slot,
        module,
        ending: error === undefined ? { status: 'ok', gas, output } : { status: 'error', gas, error, output },
      }
    }
    case 'delta': {
      reader.array()
      const snapshot = readSnapshot(reader)
      return { kind, delta: { ...snapshot, stateRoot: reader.bytes() } }
    }
    case 'bytes':
      reader.array()
      return { kind, bytes: optional(reader, () => reader.bytes()), slot: readSmall(reader) }
    case 'fault':
      reader.array()
      return { kind, message: reader.text(), fatal: reader.bool(), untouched: reader.bool() }
    case 'refused':
      return { kind, reason: reader.text() }
    case 'done':
    case 'alive':
    case 'too-long':
      return { kind }
    default:
      throw new MalformedBytes('host answer: unknown kind', reader.offset)
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

/** `[slots, module, since, pages, engine, log hash, [index, chunk, …], [key, value or null, …]]`: a snapshot, or a difference. */
export function writeSnapshot(writer: CborWriter, snapshot: ProcessSnapshot | SnapshotDelta): void {
  writer.array(8)
  writer.uint(snapshot.slots)
  writer.base64Url(snapshot.module)
  writer.uint(snapshot.since)
  writer.uint(snapshot.pages)
  writer.bytes(snapshot.engine)
  writer.bytes(snapshot.logHash)
  writer.array(snapshot.chunks.size * 2)
  for (const [index, bytes] of snapshot.chunks) {
    writer.uint(index)
    writer.bytes(bytes)
  }
  writer.array(snapshot.cells.length * 2)
  for (const [key, value] of snapshot.cells) {
    writer.bytes(toBytes(key))
    if (value === undefined) writer.null()
    else writer.bytes(value)
  }
}

function readSnapshot(reader: CborReader): ProcessSnapshot {
  reader.array()
  const [slots, module, since] = [readSmall(reader), asModuleId(readId(reader)), readSmall(reader)]
  const [pages, engine, logHash] = [readSmall(reader), reader.bytes(), reader.bytes()]
  const chunks = new Map<number, Uint8Array>()
  for (let left = reader.array(); left > 0; left -= 2) chunks.set(readSmall(reader), reader.bytes())
  const cells: [string, Uint8Array][] = []
  for (let left = reader.array(); left > 0; left -= 2) {
    const key = toCellKey(reader.bytes())
    // In a difference a null is a cell that is gone; the type of a whole snapshot has none.
    cells.push([key, optional(reader, () => reader.bytes()) as Uint8Array])
  }
  return { slots, module, since, pages, engine, logHash, chunks, cells }
}

function writeOutcome(writer: CborWriter, outcome: FrameOutcome): void {
  writer.array(10)
  writer.uint(outcome.firstSlot)
  writer.uint(outcome.count)
  writer.bytes(outcome.resultsBytes)
  writer.array(outcome.sends.length)
  for (const position of outcome.sends) writer.uint(position)
  writer.bytes(outcome.resultsRoot)
  writer.bytes(outcome.stateRoot)
  writer.uint(outcome.gas)
  if (outcome.timers === undefined) writer.null()
  else writeTimers(writer, outcome.timers)
  writer.array(outcome.steps.length * 2)
  for (const { stateRoot, gas } of outcome.steps) {
    writer.bytes(stateRoot)
    writer.uint(gas)
  }
  if (outcome.lifecycle === undefined) writer.null()
  else writer.bytes(encodeLifecycle(outcome.lifecycle))
}

function readOutcome(reader: CborReader): FrameOutcome {
  reader.array()
  const [firstSlot, count, resultsBytes] = [readSmall(reader), readSmall(reader), reader.bytes()]
  const sends: number[] = []
  for (let left = reader.array(); left > 0; left--) sends.push(readSmall(reader))
  const [resultsRoot, stateRoot, gas] = [reader.bytes(), reader.bytes(), BigInt(reader.uint())]
  const timers = optional(reader, () => readTimers(reader))
  const steps: { stateRoot: Uint8Array; gas: bigint }[] = []
  for (let left = reader.array(); left > 0; left -= 2) {
    steps.push({ stateRoot: reader.bytes(), gas: BigInt(reader.uint()) })
  }
  const lifecycle = optional(reader, () => decodeLifecycle(reader.bytes()))
  return { firstSlot, count, resultsBytes, sends, resultsRoot, stateRoot, gas, timers, lifecycle, steps }
}

export function writeTimers(writer: CborWriter, timers: readonly Timer[]): void {
  writer.array(timers.length * 3)
  for (const { key, dueMs, everyMs } of timers) {
    writer.bytes(toBytes(key))
    writer.uint(dueMs)
    if (everyMs === undefined) writer.null()
    else writer.uint(everyMs)
  }
}

export function readTimers(reader: CborReader): Timer[] {
  const timers: Timer[] = []
  for (let left = reader.array(); left > 0; left -= 3) {
    const [key, dueMs] = [toCellKey(reader.bytes()), readSmall(reader)]
    timers.push({ key, dueMs, everyMs: optional(reader, () => readSmall(reader)) })
  }
  return timers
}

function writeError(writer: CborWriter, error: ResultError | undefined): void {
  if (error === undefined) {
    writer.null()
    return
  }
  writer.array(2)
  writer.text(error.code)
  writer.text(error.message)
}

function readError(reader: CborReader): ResultError | undefined {
  return optional(reader, () => {
    reader.array()
    return { code: reader.text(), message: reader.text() }
  })
}
