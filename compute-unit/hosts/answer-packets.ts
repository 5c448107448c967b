import {
  asModuleId,
  CborReader,
  type CborWriter,
  MalformedBytes,
  readId,
  readSmall,
  type ResultError,
} from '../../protocol/index.ts'
import type { FrameOutcome } from '../evaluation/frame-outcome.ts'
import { decodeLifecycle, encodeLifecycle } from '../evaluation/lifecycle-cells.ts'
import { optional } from '../optional-value.ts'
import type { HostAnswer } from './host-words.ts'
import { readSnapshot, writeSnapshot } from './snapshot-packets.ts'
import { readTimers, writeTimers } from './timer-packets.ts'

/** A packet names what it answers by its place here. */
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
