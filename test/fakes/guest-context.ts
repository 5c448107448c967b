import {
  asMessageId,
  asModuleId,
  asProcessId,
  type CellKey,
  type Cells,
  type GuestContext,
  type GuestMessage,
  type ModuleDescription,
  type ProcessDescription,
  type ProcessId,
  type Tag,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'

/** An id that is the same for the same number, and nobody's. */
export function fakeId(number: number): string {
  const bytes = new Uint8Array(32).fill(7)
  new DataView(bytes.buffer).setUint32(0, number)
  return toBase64Url(bytes)
}

/** Tags from pairs: `tags('Action', 'Add', 'Quantity', '2')`. */
export function tags(...pairs: readonly string[]): Tag[] {
  const list: Tag[] = []
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    list.push({ name: pairs[at] ?? '', value: pairs[at + 1] ?? '' })
  }
  return list
}

/** Cells in a map. */
export class FakeCells implements Cells {
  readonly values: Map<CellKey, Uint8Array>

  constructor(values: ReadonlyMap<CellKey, Uint8Array> = new Map()) {
    this.values = new Map(values)
  }

  get(key: CellKey): Uint8Array | undefined {
    return this.values.get(key)
  }

  set(key: CellKey, value: Uint8Array): void {
    this.values.set(key, value)
  }

  delete(key: CellKey): void {
    this.values.delete(key)
  }

  add(key: CellKey, delta: bigint): void {
    const sum = new Uint8Array(8)
    const before = this.values.get(key)
    const known = before === undefined ? 0n : new DataView(before.slice().buffer).getBigInt64(0, true)
    new DataView(sum.buffer).setBigInt64(0, known + delta, true)
    this.values.set(key, sum)
  }

  scan(options: { gte: CellKey; lt: CellKey; limit: number; reverse: boolean }): readonly CellKey[] {
    const keys = [...this.values.keys()].filter(key => key >= options.gte && key < options.lt).sort()
    return (options.reverse ? keys.reverse() : keys).slice(0, options.limit)
  }
}

export type SentMessage = Parameters<GuestContext['send']>[0]
export type SpawnedProcess = Parameters<GuestContext['spawn']>[0] & { readonly id: ProcessId }

/** A context that remembers what a guest did. */
export class FakeContext implements GuestContext {
  readonly cells: FakeCells
  readonly sent: SentMessage[] = []
  readonly spawned: SpawnedProcess[] = []
  readonly assigned: {
    message: string
    processes: readonly string[]
    exclude: readonly string[]
  }[] = []
  readonly timers = new Map<CellKey, { dueMs: number; everyMs: number | undefined }>()
  readonly lines: string[] = []
  patienceGas: bigint | undefined
  #random = 0

  constructor(cells: FakeCells = new FakeCells()) {
    this.cells = cells
  }

  send(message: SentMessage): void {
    this.sent.push(message)
  }

  spawn(spawn: Parameters<GuestContext['spawn']>[0]): ProcessId {
    const id = asProcessId(fakeId(1_000_000 + this.spawned.length))
    this.spawned.push({ ...spawn, id })
    return id
  }

  assign(message: string, processes: readonly string[], exclude: readonly string[]): void {
    this.assigned.push({ message, processes, exclude })
  }

  setTimer(key: CellKey, dueMs: number, everyMs?: number): void {
    this.timers.set(key, { dueMs, everyMs })
  }

  clearTimer(key: CellKey): void {
    this.timers.delete(key)
  }

  timerDueMs(key: CellKey): number | undefined {
    return this.timers.get(key)?.dueMs
  }

  log(text: string): void {
    this.lines.push(text)
  }

  random(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => {
      this.#random = (this.#random * 75 + 74) % 65_537
      return this.#random & 0xff
    })
  }
}

/** A message from a person, with what `parts` says otherwise. */
export function guestMessage(parts: Partial<GuestMessage> = {}): GuestMessage {
  return {
    kind: 'message',
    id: fakeId(1),
    slot: 1,
    timestampMs: 1_700_000_000_000,
    target: fakeId(2),
    from: fakeId(3),
    owner: fakeId(3),
    fromProcess: undefined,
    fromModule: undefined,
    tags: [],
    data: new Uint8Array(0),
    anchor: undefined,
    signature: undefined,
    origin: asMessageId(fakeId(1)),
    depth: 0,
    timer: undefined,
    ...parts,
  }
}

/** A module of the given bytes. */
export function fakeModule(format: string, wasm: Uint8Array, moduleTags: readonly Tag[] = []): ModuleDescription {
  return { id: asModuleId(fakeId(4)), owner: fakeId(3), format, tags: moduleTags, wasm }
}

/** A process of `fakeModule`, by number. */
export function fakeProcess(number = 2, processTags: readonly Tag[] = []): ProcessDescription {
  return {
    id: asProcessId(fakeId(number)),
    module: asModuleId(fakeId(4)),
    policy: { schedulers: [], schedulerQuorum: 1, computeUnits: [], computeQuorum: 1 },
    epoch: 0,
    owner: fakeId(3),
    parent: undefined,
    tags: processTags,
    data: new Uint8Array(0),
  }
}

/** Text as bytes, for data. */
export const dataOf = (text: string): Uint8Array => toUtf8(text)
