import {
  type CellKey,
  CELL_KEY_MAX_BYTES,
  CELL_VALUE_MAX_BYTES,
  ERROR_TEXT_MAX_BYTES,
  type GuestContext,
  OUTBOX_MAX,
  OUTBOX_SIZE_MAX_BYTES,
  OUTBOX_SPAWNS_MAX,
  OUTPUT_SIZE_MAX_BYTES,
  type ProcessId,
  SCAN_MAX,
  TIMER_INTERVAL_MIN_MS,
  TIMER_KEY_MAX_BYTES,
} from '../../protocol/index.ts'
import type { HostFunction } from './abi.ts'
import type { GuestMemory } from './guest-memory.ts'
import { badCall, GuestStop } from './guest-stop.ts'
import { HOST_COSTS, type HostCost } from './host-costs.ts'
import { type Outgoing, readOutgoing, readTextLists } from './outgoing.ts'

/** Bytes one call of `random` may ask for. */
const RANDOM_MAX_BYTES = 65_536
/** Above every key of a cell: the upper bound of a scan that names none. */
const ABOVE_ALL_KEYS = '\xff'.repeat(CELL_KEY_MAX_BYTES + 1)
const NO_BYTES = new Uint8Array(0)
/** Texts for people: what is not UTF-8 is replaced, never refused. */
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The imports of one instance, and what one run did through them.
 *
 * Gas of host calls is counted here, apart from the guest's own, because a read and a write of the
 * guest's 64-bit counter would cost more than most calls. A run is out of gas when either count
 * passes the limit, or both together at the end: all out-of-gas runs have the same result, so the
 * exact point cannot be seen.
 */
export class HostCalls {
  readonly #memory: () => GuestMemory
  #context: GuestContext | undefined
  #self = ''
  #nowMs = 0
  #gasMax = 0
  #outbox = 0
  #spawns = 0
  #outboxBytes = 0
  #logBytes = 0
  /** Gas of host calls of this run. */
  gas = 0
  output: Uint8Array = NO_BYTES

  constructor(memory: () => GuestMemory) {
    this.#memory = memory
  }

  /** Begins a run; without a context every call stops the guest. */
  begin(context: GuestContext | undefined, self: ProcessId | '', nowMs: number, gasMax: number): void {
    this.#context = context
    this.#self = self
    this.#nowMs = nowMs
    this.#gasMax = gasMax
    this.#outbox = 0
    this.#spawns = 0
    this.#outboxBytes = 0
    this.#logBytes = 0
    this.gas = 0
    this.output = NO_BYTES
  }

  /** Lets go of the context. */
  end(): void {
    this.#context = undefined
  }

  /** Charges a host call for `bytes`: after its arguments were checked, before it does anything. */
  charge(cost: HostCost, bytes: number): void {
    this.gas += cost.base + cost.byte * bytes
    if (this.gas > this.#gasMax) throw new GuestStop('out-of-gas', 'host calls passed the gas limit')
  }

  readonly imports: Readonly<Record<HostFunction, (...values: never[]) => unknown>> = {
    send: (pointer: number, length: number) => {
      const { name, tags, data, anchor } = this.#outgoing('send', pointer, length)
      this.#running('send').send({ to: name, tags, data, anchor })
    },
    spawn: (pointer: number, length: number, idPointer: number) => {
      const context = this.#running('spawn')
      const { name, tags, data, anchor } = this.#outgoing('spawn', pointer, length)
      this.#spawns += 1
      if (this.#spawns > OUTBOX_SPAWNS_MAX) {
        throw new GuestStop('outbox-limit', `more than ${OUTBOX_SPAWNS_MAX} spawns`)
      }
      const child = context.spawn({ module: name, tags, data, anchor })
      this.#memory().writeLatin1(idPointer, child, 'spawn')
    },
    assign: (pointer: number, length: number) => {
      const bytes = this.#memory().read(pointer, length, 'assign')
      this.charge(HOST_COSTS.assign, bytes.length)
      this.#countOutgoing(bytes.length)
      const [messages, processes, exclude] = readTextLists(bytes, 3, OUTBOX_MAX, 'assign')
      const message = messages?.[0]
      if (message === undefined || messages?.length !== 1) throw badCall('assign', 'expected one message')
      this.#running('assign').assign(message, processes ?? [], exclude ?? [])
    },
    reply: (pointer: number, length: number) => {
      this.#memory().check(pointer, length, 'reply')
      this.charge(HOST_COSTS.reply, length >>> 0)
      if (length >>> 0 > OUTPUT_SIZE_MAX_BYTES) throw badCall('reply', 'output too large')
      this.#running('reply')
      this.output = this.#memory().copy(pointer, length, 'reply')
    },
    log: (pointer: number, length: number) => {
      const bytes = this.#memory().read(pointer, length, 'log')
      this.charge(HOST_COSTS.log, bytes.length)
      this.#logBytes += bytes.length
      if (this.#logBytes > OUTPUT_SIZE_MAX_BYTES) throw badCall('log', 'log too large')
      this.#running('log').log(lenient.decode(bytes))
    },
    fail: (pointer: number, length: number) => {
      const bytes = this.#memory().read(pointer, length, 'fail')
      this.charge(HOST_COSTS.fail, bytes.length)
      throw new GuestStop('abort', lenient.decode(bytes.subarray(0, ERROR_TEXT_MAX_BYTES)))
    },
    now: () => {
      this.charge(HOST_COSTS.now, 0)
      this.#running('now')
      return BigInt(this.#nowMs)
    },
    random: (pointer: number, length: number) => {
      this.#memory().check(pointer, length, 'random')
      if (length >>> 0 > RANDOM_MAX_BYTES) throw badCall('random', 'too many bytes')
      this.charge(HOST_COSTS.random, length >>> 0)
      this.#memory().write(pointer, this.#running('random').random(length >>> 0), 'random')
    },
    self: (pointer: number) => {
      this.charge(HOST_COSTS.self, 0)
      this.#running('self')
      this.#memory().writeLatin1(pointer, this.#self, 'self')
      return this.#self.length
    },
    get: (keyPointer: number, keyLength: number, pointer: number, capacity: number) => {
      const memory = this.#memory()
      const key = this.#key('get', keyPointer, keyLength)
      memory.check(pointer, capacity, 'get')
      const value = this.#running('get').cells.get(key)
      this.charge(HOST_COSTS.get, key.length + (value?.length ?? 0))
      if (value === undefined) return -1
      if (value.length <= capacity >>> 0) memory.write(pointer, value, 'get')
      return value.length
    },
    set: (keyPointer: number, keyLength: number, pointer: number, length: number) => {
      const key = this.#key('set', keyPointer, keyLength)
      this.#memory().check(pointer, length, 'set')
      if (length >>> 0 > CELL_VALUE_MAX_BYTES) throw badCall('set', 'value too large')
      this.charge(HOST_COSTS.set, key.length + (length >>> 0))
      this.#running('set').cells.set(key, this.#memory().copy(pointer, length, 'set'))
    },
    delete: (keyPointer: number, keyLength: number) => {
      const key = this.#key('delete', keyPointer, keyLength)
      this.charge(HOST_COSTS.delete, key.length)
      this.#running('delete').cells.delete(key)
    },
    add: (keyPointer: number, keyLength: number, delta: bigint) => {
      const key = this.#key('add', keyPointer, keyLength)
      this.charge(HOST_COSTS.add, key.length)
      this.#running('add').cells.add(key, delta)
    },
    scan: (...values: number[]) => this.#scan(values),
    set_timer: (keyPointer: number, keyLength: number, dueMs: bigint, everyMs: bigint) => {
      const key = this.#timerKey('set_timer', keyPointer, keyLength)
      this.charge(HOST_COSTS.setTimer, key.length)
      const every = timeOf('set_timer', everyMs)
      if (every !== 0 && every < TIMER_INTERVAL_MIN_MS) throw badCall('set_timer', 'interval too short')
      const due = timeOf('set_timer', dueMs)
      const context = this.#running('set_timer')
      if (every === 0) context.setTimer(key, due)
      else context.setTimer(key, due, every)
    },
    clear_timer: (keyPointer: number, keyLength: number) => {
      const key = this.#timerKey('clear_timer', keyPointer, keyLength)
      this.charge(HOST_COSTS.clearTimer, key.length)
      this.#running('clear_timer').clearTimer(key)
    },
  }

  #running(call: string): GuestContext {
    if (this.#context === undefined) throw badCall(call, 'not while the module is made ready')
    return this.#context
  }

  #outgoing(call: 'send' | 'spawn', pointer: number, length: number): Outgoing {
    this.#memory().check(pointer, length, call)
    this.charge(HOST_COSTS[call], length >>> 0)
    this.#running(call)
    this.#countOutgoing(length >>> 0)
    return readOutgoing(this.#memory(), pointer, length, call)
  }

  #countOutgoing(bytes: number): void {
    this.#outbox += 1
    this.#outboxBytes += bytes
    if (this.#outbox > OUTBOX_MAX) throw new GuestStop('outbox-limit', `more than ${OUTBOX_MAX} messages`)
    if (this.#outboxBytes > OUTBOX_SIZE_MAX_BYTES) {
      throw new GuestStop('outbox-limit', `more than ${OUTBOX_SIZE_MAX_BYTES} bytes`)
    }
  }

  #key(call: string, pointer: number, length: number): CellKey {
    if (length >>> 0 > CELL_KEY_MAX_BYTES) throw badCall(call, 'key too long')
    return this.#memory().readKey(pointer, length, call)
  }

  #timerKey(call: string, pointer: number, length: number): CellKey {
    if (length >>> 0 > TIMER_KEY_MAX_BYTES) throw badCall(call, 'key too long')
    return this.#key(call, pointer, length)
  }

  #scan(values: readonly number[]): number {
    const [from = 0, fromLength = 0, to = 0, toLength = 0, limit = 0, reverse = 0] = values
    const [out = 0, capacity = 0] = values.slice(6)
    const gte = this.#key('scan', from, fromLength)
    const lt = toLength === 0 ? ABOVE_ALL_KEYS : this.#key('scan', to, toLength)
    if (limit >>> 0 > SCAN_MAX) throw badCall('scan', 'limit too high')
    const start = this.#memory().check(out, capacity, 'scan')
    this.charge(HOST_COSTS.scan, gte.length + toLength)
    const { cells } = this.#running('scan')
    const keys = cells.scan({ gte, lt, limit: limit >>> 0, reverse: reverse !== 0 })
    for (const key of keys) this.charge(HOST_COSTS.scanKey, key.length)
    return this.#writeKeys(keys, start, start + (capacity >>> 0))
  }

  /** Writes `[length] key` for as many keys as fit, and gives their number; -1 if not one of some fits. */
  #writeKeys(keys: readonly CellKey[], start: number, end: number): number {
    const memory = this.#memory()
    let at = start
    let count = 0
    for (const key of keys) {
      if (at + 4 + key.length > end) break
      memory.writeUint32(at, key.length, 'scan')
      memory.writeLatin1(at + 4, key, 'scan')
      at += 4 + key.length
      count += 1
    }
    return count === 0 && keys.length > 0 ? -1 : count
  }
}

function timeOf(call: string, value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw badCall(call, 'time out of range')
  return Number(value)
}
