/**
 * The part of the state that one certificate speaks for, as a hash tree with an index.
 *
 * 1. A level that leaves something out has a hidden node wherever that might stand, so that the tree shows nothing absent
 *    that is there. A level that is whole has none.
 * 2. That a label is absent from a level with hidden nodes is shown by its two nearest possible neighbours, which are empty.
 * 3. A witness holds the paths that were asked for and hashes of the rest; making one takes time by its own size.
 */
import {
  type CborWriter,
  compareBytes,
  concatBytes,
  domainHash,
  emptyHash,
  forkHash,
  labeledHash,
  leafValueHash,
} from '../../protocol/index.ts'

export type Path = readonly Uint8Array[]

/** What stands below a label: a value, or a level of further labels. */
export type StateSource = Uint8Array | StateLevel | typeof UNTOLD

/** Something stands there of which no certificate says what. */
export const UNTOLD = Symbol('untold')

export interface StateLevel {
  readonly entries: readonly (readonly [label: Uint8Array, below: StateSource])[]
  /** Labels that are shown to be absent. */
  readonly absent?: readonly Uint8Array[]
  /** Whether there is more than the entries. */
  readonly partial: boolean
}

export type StateNode = Leaf | Level | Untold

interface Untold {
  readonly hash: Uint8Array
  readonly untold: true
}

interface Leaf {
  readonly hash: Uint8Array
  readonly value: Uint8Array
}

interface Level {
  readonly hash: Uint8Array
  readonly entries: readonly Entry[]
  readonly range: Range | undefined
}

/** `label` is missing where something is hidden. */
interface Entry {
  readonly label: Uint8Array | undefined
  readonly below: StateNode | undefined
  readonly hash: Uint8Array
}

interface Range {
  readonly hash: Uint8Array
  readonly from: number
  readonly to: number
  readonly left: Range | undefined
  readonly right: Range | undefined
}

const HIDDEN: Entry = { label: undefined, below: undefined, hash: domainHash('atoll/ic/hidden/1', new Uint8Array(0)) }

export function buildState(source: StateSource): StateNode {
  if (source === UNTOLD) return { hash: HIDDEN.hash, untold: true }
  if (source instanceof Uint8Array) return { value: source, hash: leafValueHash(source) }
  const labelled = entriesOf(source)
  const entries = source.partial ? withHidden(labelled, source.absent ?? []) : labelled
  const range = entries.length === 0 ? undefined : rangeOf(entries, 0, entries.length)
  return { entries, range, hash: range?.hash ?? emptyHash() }
}

function entriesOf({ entries, absent = [] }: StateLevel): Entry[] {
  const labelled = entries.map(([label, below]) => labelledEntry(label, buildState(below)))
  const taken = new Set(entries.map(([label]) => keyOf(label)))
  for (const label of absent) {
    for (const neighbour of neighboursOf(label)) {
      if (taken.has(keyOf(neighbour))) continue
      taken.add(keyOf(neighbour))
      labelled.push(labelledEntry(neighbour, undefined))
    }
  }
  return labelled.sort((a, b) => compareBytes(a.label ?? NOTHING, b.label ?? NOTHING))
}

const NOTHING = new Uint8Array(0)

const keyOf = (label: Uint8Array): string => Buffer.from(label).toString('latin1')

function labelledEntry(label: Uint8Array, below: StateNode | undefined): Entry {
  return { label, below, hash: labeledHash(label, below?.hash ?? emptyHash()) }
}

/**
 * A label before `label` that no request and no canister can have, with none that they could have in between; and the first after it. The
 * labels of one level have one length, so both are as good as absent, whatever there is.
 */
function neighboursOf(label: Uint8Array): Uint8Array[] {
  const after = concatBytes(label, Uint8Array.of(0))
  const before = Uint8Array.from(label)
  for (let at = before.length - 1; at >= 0; at--) {
    const byte = before[at] ?? 0
    before[at] = byte === 0 ? 0xff : byte - 1
    if (byte > 0) return [concatBytes(before, PADDING), after]
  }
  return [after]
}

/** More than what any label has behind a prefix of it. */
const PADDING = new Uint8Array(64).fill(0xff)

function withHidden(labelled: readonly Entry[], absent: readonly Uint8Array[]): Entry[] {
  const gaps = gapsOf(absent)
  const entries: Entry[] = []
  let previous: string | undefined
  for (const entry of labelled) {
    const key = keyOf(entry.label ?? NOTHING)
    const follows = previous !== undefined && gaps.get(previous) === key
    if (!follows) entries.push(HIDDEN)
    entries.push(entry)
    previous = key
  }
  entries.push(HIDDEN)
  return entries
}

/** By the label before a gap, the one after it: two labels that were put there to show that nothing lies between. */
function gapsOf(absent: readonly Uint8Array[]): ReadonlyMap<string, string> {
  const gaps = new Map<string, string>()
  for (const gone of absent) {
    const [before, after] = neighboursOf(gone)
    if (before !== undefined && after !== undefined) gaps.set(keyOf(before), keyOf(after))
  }
  return gaps
}

function rangeOf(entries: readonly Entry[], from: number, to: number): Range {
  const only = entries[from]
  if (to - from === 1 && only !== undefined) return { hash: only.hash, from, to, left: undefined, right: undefined }
  const middle = (from + to) >> 1
  const [left, right] = [rangeOf(entries, from, middle), rangeOf(entries, middle, to)]
  return { hash: forkHash(left.hash, right.hash), from, to, left, right }
}

/** The witness of these paths, as the CBOR of a hash tree. */
export function writeWitness(writer: CborWriter, node: StateNode, paths: readonly Path[]): void {
  if ('untold' in node) return writePruned(writer, node.hash)
  if (paths.some(path => path.length === 0)) return writeWhole(writer, node)
  if ('value' in node || node.range === undefined)
    return 'value' in node ? writePruned(writer, node.hash) : writeEmpty(writer)
  const shown = shownOf(node, paths)
  writeRange(writer, node, node.range, shown, 0, shown.length)
}

/** An entry that is shown, and the paths that go on below it. */
interface Shown {
  readonly at: number
  readonly below: Path[]
}

/** What is shown of a level, in its order. */
function shownOf({ entries }: Level, paths: readonly Path[]): readonly Shown[] {
  const shown = new Map<number, Shown>()
  const show = (at: number): Shown => {
    const known = shown.get(at) ?? { at, below: [] }
    shown.set(at, known)
    return known
  }
  for (const path of paths) {
    const { index, found } = indexOf(entries, path[0] ?? NOTHING)
    if (found) show(index).below.push(path.slice(1))
    else {
      if (entries[index - 1]?.label !== undefined) show(index - 1)
      if (entries[index]?.label !== undefined) show(index)
    }
  }
  return [...shown.values()].sort((a, b) => a.at - b.at)
}

/** Where a label stands, or would stand. */
function indexOf(entries: readonly Entry[], label: Uint8Array): { index: number; found: boolean } {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >> 1
    // A hidden entry has no label of its own: the next one tells which way to go.
    let probe = middle
    while (probe < high && entries[probe]?.label === undefined) probe += 1
    if (probe === high) {
      high = middle
      continue
    }
    const order = compareBytes(entries[probe]?.label ?? NOTHING, label)
    if (order === 0) return { index: probe, found: true }
    if (order < 0) low = probe + 1
    else high = middle
  }
  return { index: low, found: false }
}

/** Writes a range of a level, of which `shown[from]` up to but not including `shown[to]` are shown. */
function writeRange(
  writer: CborWriter,
  level: Level,
  range: Range,
  shown: readonly Shown[],
  from: number,
  to: number,
): void {
  if (from === to) return writePruned(writer, range.hash)
  if (range.left !== undefined && range.right !== undefined) {
    let middle = from
    while (middle < to && (shown[middle]?.at ?? 0) < range.right.from) middle += 1
    writer.array(3)
    writer.uint(1)
    writeRange(writer, level, range.left, shown, from, middle)
    writeRange(writer, level, range.right, shown, middle, to)
    return
  }
  const entry = level.entries[range.from]
  if (entry?.label === undefined) return writePruned(writer, range.hash)
  writer.array(3)
  writer.uint(2)
  writer.bytes(entry.label)
  const below = shown[from]?.below ?? []
  if (entry.below === undefined) writeEmpty(writer)
  else if (below.length === 0) writePruned(writer, entry.below.hash)
  else writeWitness(writer, entry.below, below)
}

function writeWhole(writer: CborWriter, node: StateNode): void {
  if ('untold' in node) writePruned(writer, node.hash)
  else if ('value' in node) {
    writer.array(2)
    writer.uint(3)
    writer.bytes(node.value)
  } else if (node.range === undefined) writeEmpty(writer)
  else
    writeRange(
      writer,
      node,
      node.range,
      node.entries.map((_, at) => ({ at, below: [[]] })),
      0,
      node.entries.length,
    )
}

function writePruned(writer: CborWriter, hash: Uint8Array): void {
  writer.array(2)
  writer.uint(4)
  writer.bytes(hash)
}

function writeEmpty(writer: CborWriter): void {
  writer.array(1)
  writer.uint(0)
}
