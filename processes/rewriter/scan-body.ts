import { BodyScan, type ScanContext } from './body-scan.ts'
import { ByteReader } from './byte-reader.ts'
import { COSTS, FOLD_MAX, LOCALS_SHIFT } from './costs.ts'
import { readValueType } from './decode-types.ts'
import type { Edit, FunctionPlan } from './function-plan.ts'
import type { Range } from './module-shape.ts'
import { INSTRUCTIONS, MISC, SIMD } from './opcodes.ts'
import { OperandStack } from './operand-stack.ts'
import { ModuleRefused, type RefusalReason } from './refusal.ts'
import { scanBulk } from './scan-bulk.ts'
import { scanControl } from './scan-control.ts'
import { scanSimple } from './scan-simple.ts'
import { scanVariable } from './scan-variables.ts'
import { type FunctionType, slotsOf, type ValueType } from './value-types.ts'

/** One stack serves all functions of a module, one after the other. */
const operands = new OperandStack()

/** Checks one function body and finds what must be added to it. */
export function scanBody(context: ScanContext, type: FunctionType, body: Range): FunctionPlan {
  const reader = new ByteReader(context.shape.bytes, body.start, body.end)
  const scan = new BodyScan(context, type, reader, operands)
  const locals = readLocals(scan)
  const start = reader.position
  scan.open('function', [], type.results)
  scan.charge(scan.locals.length >> LOCALS_SHIFT)
  while (scan.frames.length > 0) scanInstruction(scan)
  if (!reader.done) throw reader.malformed('bytes after the end of a function')
  scan.nanFlow.settle(scan.edits)
  foldCharges(scan.edits)
  return {
    type,
    ...locals,
    locals: scan.locals.length,
    boundarySlots: countSlots(type.params) + countSlots(type.results),
    localSlots: countSlots(scan.locals),
    operandSlots: scan.operands.maxSlots,
    code: { start, end: body.end },
    entry: scan.entry,
    edits: scan.edits,
    loops: scan.loops,
    calls: scan.calls,
  }
}

/** Fewer charges, and a bounded and deterministic overcharge: see FOLD_MAX. */
function foldCharges(edits: readonly Edit[]): void {
  for (let index = edits.length - 1; index >= 0; index -= 1) {
    const edit = edits[index]
    if (edit?.kind !== 'charge' || edit.check || edit.cost === 0) continue
    const { dominator, cost } = edit
    if (dominator === undefined || dominator.folded + cost > FOLD_MAX) continue
    dominator.folded += cost
    dominator.cost += cost
    edit.cost = 0
  }
}

const countSlots = (types: readonly ValueType[]): number => types.reduce((sum, type) => sum + slotsOf(type), 0)

function readLocals(scan: BodyScan): { localGroups: number; localBytes: Range } {
  const { reader } = scan
  const { localsMax } = scan.context.limits
  const add = (type: ValueType, isParameter: boolean) => {
    scan.nanFlow.declare(isParameter)
    scan.assign(scan.locals.length)
    scan.locals.push(type)
  }
  for (const type of scan.type.params) add(type, true)
  const localGroups = reader.u32()
  const start = reader.position
  for (let group = 0; group < localGroups; group += 1) {
    const count = reader.u32()
    if (scan.locals.length + count > localsMax) {
      throw new ModuleRefused('locals-too-many', reader.position, `more than ${localsMax}`)
    }
    const type = readValueType(reader)
    for (let index = 0; index < count; index += 1) add(type, false)
  }
  return { localGroups, localBytes: { start, end: reader.position } }
}

function scanInstruction(scan: BodyScan): void {
  const { reader } = scan
  scan.at = reader.position
  let code = reader.byte()
  if (code === 0xfd) code = prefixed(scan, SIMD)
  else if (code === 0xfc) code = prefixed(scan, MISC)
  scan.charge(COSTS[code] ?? 1)
  const instruction = INSTRUCTIONS[code]
  if (instruction !== undefined) {
    scanSimple(scan, instruction)
  } else if (!(scanVariable(scan, code) || scanControl(scan, code) || scanBulk(scan, code))) {
    throw refuseOpcode(scan, code)
  }
}

function prefixed(scan: BodyScan, base: number): number {
  const number = scan.reader.u32()
  if (number <= 0xff) return base + number
  if (base === SIMD && number < 0x200) {
    throw scan.refused('relaxed-simd', `relaxed instruction ${number}`)
  }
  throw scan.refused('unknown-opcode', `instruction ${number} behind a prefix`)
}

/** Opcodes of proposals that no guest may use: `[first, last, reason]`. */
const REFUSED: readonly (readonly [number, number, RefusalReason])[] = [
  [0x06, 0x0a, 'exceptions'],
  [0x12, 0x13, 'tail-calls'],
  [0x14, 0x14, 'gc'],
  [0x15, 0x15, 'tail-calls'],
  [0x18, 0x19, 'exceptions'],
  [0x1f, 0x1f, 'exceptions'],
  [0xd3, 0xd6, 'gc'],
  [0xfb, 0xfb, 'gc'],
  [0xfe, 0xfe, 'atomics'],
]

function refuseOpcode(scan: BodyScan, code: number): ModuleRefused {
  const found = REFUSED.find(([first, last]) => code >= first && code <= last)
  return scan.refused(found?.[2] ?? 'unknown-opcode', `opcode 0x${code.toString(16)}`)
}
