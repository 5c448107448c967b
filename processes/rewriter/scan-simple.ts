import type { BodyScan } from './body-scan.ts'
import type { CanonicalEdit } from './function-plan.ts'
import { NO_NAN } from './nan-flow.ts'
import { CHUNK_BYTES } from './layout.ts'
import { ADDRESS, type Instruction } from './opcodes.ts'
import { ORIGIN } from './operand-stack.ts'
import { F32, F64, I64, isFloat, UNKNOWN, type ValueType, V128 } from './value-types.ts'

/** No memory reaches so far: an access at such an offset traps whatever its address. */
const OFFSET_MAX = 2 ** 40

/** Checks an instruction of the table, and plans what its NaNs and its store need. */
export function scanSimple(scan: BodyScan, instruction: Instruction): void {
  const offset = readImmediate(scan, instruction)
  const kept = keptOperand(scan, instruction)
  if (instruction.nan === 'observes') scan.observe(0)
  if (instruction.stores && scan.context.trackDirty) mark(scan, instruction, offset)
  for (let index = instruction.pops.length - 1; index >= 0; index -= 1) {
    const type = instruction.pops[index] ?? UNKNOWN
    scan.pop(type === ADDRESS ? scan.context.addressType : type)
  }
  if (instruction.push !== 0) pushResult(scan, instruction, kept)
  if (instruction.nan === 'f32x4' || instruction.nan === 'f64x2') {
    const type = instruction.nan === 'f32x4' ? F32 : F64
    const at = scan.reader.position
    scan.edits.push({ kind: 'canonical', at, type, vector: true, local: undefined, needed: true })
  }
}

/** The operand whose bits the result has, but for the sign. copysign keeps those of its first. */
function keptOperand(scan: BodyScan, { nan, pops }: Instruction): CanonicalEdit | undefined {
  const kept = nan === 'keeps' || nan === 'observes' ? scan.pending(pops.length - 1) : undefined
  return kept === NO_NAN ? undefined : kept
}

/** Arithmetic gives bits that the engine chose if they are a NaN's: see NanRole. */
function pushResult(scan: BodyScan, { nan, push }: Instruction, kept: CanonicalEdit | undefined): void {
  const chosen = isFloat(push) && (nan === 'none' || kept !== undefined)
  scan.push(push, chosen ? scan.planCanonical(push, kept?.local) : undefined)
}

function readImmediate(scan: BodyScan, instruction: Instruction): number {
  const { reader } = scan
  switch (instruction.immediate) {
    case 'none':
      return 0
    case 'memory-argument':
      return readMemoryArgument(scan, instruction.width)
    case 'memory-argument-lane': {
      const offset = readMemoryArgument(scan, instruction.width)
      readLane(scan, 16 / instruction.width)
      return offset
    }
    case 'lane':
      readLane(scan, instruction.width)
      return 0
    case 'bytes16':
      reader.skip(16)
      return 0
    case 'shuffle':
      for (let index = 0; index < 16; index += 1) readLane(scan, 32)
      return 0
  }
}

function readLane(scan: BodyScan, lanes: number): void {
  const lane = scan.reader.byte()
  if (lane >= lanes) throw scan.invalid(`invalid lane index ${lane}`)
}

/** Gives the offset. Bit 6 of the flags says that a memory index follows. */
function readMemoryArgument(scan: BodyScan, width: number): number {
  const { reader } = scan
  const is64 = scan.requireMemory() === I64
  const flags = reader.u32()
  if (flags >= 0x80) throw reader.malformed('memory argument flags')
  if ((flags & 0x40) !== 0 && reader.u32() !== 0) throw scan.invalid('unknown memory')
  if (2 ** (flags & 0x3f) > width) throw scan.invalid('alignment must not be larger than natural')
  return is64 ? reader.u64() : reader.u32()
}

function mark(scan: BodyScan, instruction: Instruction, offset: number): void {
  if (offset >= OFFSET_MAX || !scan.owns(1)) return
  const high = offset + instruction.width - 1
  const valueType: ValueType = instruction.pops[1] ?? V128
  const origin = scan.operands.origin(1)
  const value = scan.operands.value(1)
  const { at } = scan
  if (origin === ORIGIN.constant) {
    scan.addMark({ kind: 'mark', at, address: 'constant', base: value, valueType, low: offset, high }, 0)
    return
  }
  if (origin === ORIGIN.unknown || scan.assignment(origin) !== value) {
    scan.addMark({ kind: 'mark', at, address: 'operand', base: 0, valueType, low: offset, high }, 0)
    return
  }
  const before = scan.markOf(value)
  if (before !== undefined) {
    const low = Math.min(before.low, offset)
    const last = Math.max(before.high, high)
    // A run of bytes no longer than a chunk lies in two at most.
    if (last - low < CHUNK_BYTES) {
      before.low = low
      before.high = last
      return
    }
  }
  scan.addMark({ kind: 'mark', at, address: 'local', base: origin, valueType, low: offset, high }, value)
}
