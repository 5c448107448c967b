import { MalformedBytes } from '../../protocol/index.ts'
import type { RawWord } from './unwind.ts'

/**
 * State outside linear memory is the module's mutable globals, all integers. Canonical bytes: eight
 * for each, little-endian, in order of their index; 32-bit ones with zeros above. The table is no
 * state (the rewriter refuses modules that change it), and nothing is ever suspended between slots.
 */
interface Global {
  value: RawWord
}

export function encodeGlobals(globals: readonly Global[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(globals.length * 8))
  globals.forEach(({ value }, index) => {
    view.setBigUint64(index * 8, BigInt.asUintN(typeof value === 'bigint' ? 64 : 32, BigInt(value)), true)
  })
  return new Uint8Array(view.buffer)
}

/** @throws {MalformedBytes} */
export function decodeGlobals(bytes: Uint8Array, globals: readonly Global[]): void {
  if (bytes.length !== globals.length * 8)
    throw new MalformedBytes(`engine state: expected ${globals.length} globals`, bytes.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  globals.forEach((global, index) => {
    const value = view.getBigUint64(index * 8, true)
    global.value = typeof global.value === 'bigint' ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value))
  })
}

/** Values of globals, to be put back later. */
export const readGlobals = (globals: readonly Global[]): RawWord[] => globals.map(({ value }) => value)

export function writeGlobals(globals: readonly Global[], values: readonly RawWord[]): void {
  globals.forEach((global, index) => {
    const value = values[index]
    if (value !== undefined) global.value = value
  })
}
