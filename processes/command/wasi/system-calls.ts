import { ProgramExit } from '../program-stop.ts'
import { CallError } from './errno.ts'
import type { WasiCall, WasiHost } from './host.ts'

/** Clocks of WASI: the wall clock, and three that only go forward. */
const REALTIME = 0
const CLOCKS = 4
/** The clocks that only go forward begin here: a run has no past. */
const RESOLUTION = 1_000n

function timeOf(host: WasiHost, clock: number): bigint {
  if (clock >>> 0 >= CLOCKS) throw new CallError('invalid')
  return clock === REALTIME ? host.clock.now : host.clock.now - host.clock.started + RESOLUTION
}

function writeStrings(host: WasiHost, strings: readonly Uint8Array[], pointers: number, at: number): undefined {
  let to = at >>> 0
  for (const [index, bytes] of strings.entries()) {
    host.memory.setU32(pointers + index * 4, to)
    host.memory.at(to, bytes.length).set(bytes)
    to += bytes.length
  }
}

function writeSizes(host: WasiHost, strings: readonly Uint8Array[], count: number, bytes: number): undefined {
  host.memory.setU32(count, strings.length)
  host.memory.setU32(
    bytes,
    strings.reduce((sum, text) => sum + text.length, 0),
  )
}

/** Bytes of one call. */
const RANDOM_MAX_BYTES = 1024 * 1024
/** Subscriptions of one poll. */
const POLL_MAX = 256
const SUBSCRIPTION_BYTES = 48
const EVENT_BYTES = 32
const ABSOLUTE = 1
const KIND_CLOCK = 0
const EVERYTHING_READY = 1n << 20n

/**
 * Files and streams are always ready. If only clocks are asked for, the run sleeps until the first of
 * them: time inside the run moves, the host does not wait.
 */
function poll(host: WasiHost, from: number, to: number, count: number, result: number): undefined {
  if (count === 0 || count >>> 0 > POLL_MAX) throw new CallError('invalid')
  const { memory } = host
  const subscriptions = Array.from({ length: count >>> 0 }, (_, index) => {
    const at = from + index * SUBSCRIPTION_BYTES
    const userdata = memory.u64(at)
    const kind = memory.u8(at + 8)
    if (kind !== KIND_CLOCK) return { userdata, kind, due: undefined }
    const isAbsolute = (memory.u16(at + 40) & ABSOLUTE) !== 0
    const now = timeOf(host, memory.u32(at + 16))
    const timeout = memory.u64(at + 24)
    // As a time of the wall clock, whatever the clock was.
    const due = host.clock.now + (isAbsolute ? timeout - now : timeout)
    return { userdata, kind, due }
  })
  const clocks = subscriptions.map(({ due }) => due).filter(due => due !== undefined)
  if (clocks.length === subscriptions.length) {
    const [earliest = host.clock.now] = clocks.sort((a, b) => (a < b ? -1 : 1))
    host.clock.sleepUntil(earliest)
  }
  const ready = subscriptions.filter(({ due }) => due === undefined || due <= host.clock.now)
  for (const [index, { userdata, kind }] of ready.entries()) {
    const at = to + index * EVENT_BYTES
    memory.at(at, EVENT_BYTES).fill(0)
    memory.setU64(at, userdata)
    memory.setU8(at + 10, kind)
    if (kind !== KIND_CLOCK) memory.setU64(at + 16, EVERYTHING_READY)
  }
  memory.setU32(result, ready.length)
}

const noSockets: WasiCall['run'] = () => {
  throw new CallError('notSupported')
}

/** Arguments, environment, time, randomness, endings; sockets there are none. */
export const SYSTEM_CALLS = {
  args_get: {
    type: 'ii>i',
    run: (host: WasiHost, pointers: number, at: number) => writeStrings(host, host.args, pointers, at),
  },
  args_sizes_get: {
    type: 'ii>i',
    run: (host: WasiHost, count: number, bytes: number) => writeSizes(host, host.args, count, bytes),
  },
  environ_get: {
    type: 'ii>i',
    run: (host: WasiHost, pointers: number, at: number) => writeStrings(host, host.env, pointers, at),
  },
  environ_sizes_get: {
    type: 'ii>i',
    run: (host: WasiHost, count: number, bytes: number) => writeSizes(host, host.env, count, bytes),
  },
  clock_res_get: {
    type: 'ii>i',
    run: (host: WasiHost, clock: number, at: number) => {
      timeOf(host, clock)
      host.memory.setU64(at, RESOLUTION)
      return undefined
    },
  },
  clock_time_get: {
    type: 'iIi>i',
    run: (host: WasiHost, clock: number, _precision: bigint, at: number) => {
      host.memory.setU64(at, timeOf(host, clock))
      return undefined
    },
  },
  poll_oneoff: { type: 'iiii>i', run: poll },
  proc_exit: {
    type: 'i>',
    run: (_host: WasiHost, status: number) => {
      throw new ProgramExit(status >>> 0)
    },
  },
  proc_raise: { type: 'i>i', run: noSockets },
  sched_yield: { type: '>i', run: () => undefined },
  random_get: {
    type: 'ii>i',
    run: (host: WasiHost, at: number, length: number) => {
      if (length >>> 0 > RANDOM_MAX_BYTES) throw new CallError('invalid')
      host.memory.at(at, length).set(host.random(length >>> 0))
      return undefined
    },
  },
  sock_accept: { type: 'iii>i', run: noSockets },
  sock_recv: { type: 'iiiiii>i', run: noSockets },
  sock_send: { type: 'iiiii>i', run: noSockets },
  sock_shutdown: { type: 'ii>i', run: noSockets },
} as const satisfies Record<string, WasiCall>
