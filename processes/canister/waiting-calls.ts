import { CborReader, CborWriter, type Cells, toHex } from '../../protocol/index.ts'
import { keysUnder, numbered } from './cell-keys.ts'
import { getPieces, putPieces, removePieces } from './pieces.ts'

/** A call of the canister's to another process. */
export interface Request {
  readonly callback: number
  readonly callee: Uint8Array
  readonly method: string
  readonly arg: Uint8Array
  readonly cycles: bigint
  readonly deadlineNs: bigint
  readonly depth: number
  /** For the management canister, which every canister is of itself. */
  readonly isManagement: boolean
}

const WAITING = 'w/'
const ARGUMENTS = 'a/'
const LOW = (1n << 64n) - 1n

const prefixOf = (principal: Uint8Array): string => `${WAITING}${toHex(principal)}/`
const argumentOf = (callback: number): string => `${numbered(ARGUMENTS, callback)}/`

/** Has a call wait until the process of its callee is found. Says whether it is the first to do so. */
export function putWaiting(cells: Cells, request: Request): boolean {
  const prefix = prefixOf(request.callee)
  const isFirst = keysUnder(cells, prefix).length === 0
  const writer = new CborWriter()
  writer.array(7)
  writer.text(request.method)
  writer.uint(request.arg.length)
  writer.uint(request.cycles >> 64n)
  writer.uint(request.cycles & LOW)
  writer.uint(request.deadlineNs)
  writer.uint(request.depth)
  writer.bool(request.isManagement)
  cells.set(numbered(prefix, request.callback), writer.finish())
  putPieces(cells, argumentOf(request.callback), request.arg)
  return isFirst
}

/** Has a call wait no longer. */
export function removeWaiting(cells: Cells, callee: Uint8Array, callback: number): void {
  cells.delete(numbered(prefixOf(callee), callback))
  removePieces(cells, argumentOf(callback))
}

/** Takes the calls that wait for `callee`, in the order in which they were made; a thousand at a time. */
export function takeWaiting(cells: Cells, callee: Uint8Array): Request[] {
  const prefix = prefixOf(callee)
  return keysUnder(cells, prefix).map(key => {
    const callback = Number(key.slice(prefix.length))
    const reader = new CborReader(cells.get(key) ?? new Uint8Array(0))
    reader.array()
    const method = reader.text()
    const arg = getPieces(cells, argumentOf(callback), Number(reader.uint()))
    const cycles = (BigInt(reader.uint()) << 64n) | BigInt(reader.uint())
    const [deadlineNs, depth, isManagement] = [BigInt(reader.uint()), Number(reader.uint()), reader.bool()]
    removeWaiting(cells, callee, callback)
    return { callback, callee, method, arg, cycles, deadlineNs, depth, isManagement }
  })
}
