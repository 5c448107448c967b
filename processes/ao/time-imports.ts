import { type AoHost, type ImportTable, number, word } from './host.ts'
import { formatTime } from './strftime.ts'

/** Longest pattern of strftime. */
const PATTERN_MAX_BYTES = 4096
const ZONE = 'UTC'
const DAY_MS = 86_400_000
const TWO_TO_32 = 4_294_967_296

/** Everything a guest can see of time is the timestamp of its slot; the time zone is UTC. */
const now = (host: AoHost): number => host.slot.timestampMs

/** Where the last two fields of `struct tm` stand. */
const tailOf = (host: AoHost) => (host.format.addressBits === 64 ? { offset: 40, zone: 48 } : { offset: 36, zone: 40 })

function writeTime(host: AoHost, seconds: number, at: number, withOffset: boolean): undefined {
  const date = new Date(seconds * 1000)
  const fields = [
    date.getUTCSeconds(),
    date.getUTCMinutes(),
    date.getUTCHours(),
    date.getUTCDate(),
    date.getUTCMonth(),
    date.getUTCFullYear() - 1900,
    date.getUTCDay(),
    yearDay(date),
  ]
  fields.forEach((value, index) => {
    host.memory.writeI32(at + index * 4, value)
  })
  if (!withOffset) return
  host.memory.writeI32(at + 32, 0)
  host.memory.writeWord(at + tailOf(host).offset, 0)
}

const yearDay = (date: Date): number => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS)

/** Seconds since 1970: by address in the old formats, else by value, in halves on 32 bits. */
function secondsOf(host: AoHost, args: readonly number[]): number {
  const [first = 0, second = 0] = args
  if (host.format.addressBits === 64) return first
  if (args.length === 3) return (first >>> 0) + second * TWO_TO_32
  return host.memory.readI32(first)
}

function makeTime(host: AoHost, at: number): number {
  const field = (index: number) => host.memory.readI32(at + index * 4)
  const ms = Date.UTC(field(5) + 1900, field(4), field(3), field(2), field(1), field(0))
  if (Number.isNaN(ms)) return give64(host, -1)
  if (field(8) < 0) host.memory.writeI32(at + 32, 0)
  writeTime(host, ms / 1000, at, false)
  return give64(host, Math.floor(ms / 1000))
}

/** A 64-bit result: at once where addresses are, else in two halves. */
function give64(host: AoHost, value: number): number {
  if (host.format.addressBits === 64) return value
  host.setTempRet(Math.floor(value / TWO_TO_32) | 0)
  return value | 0
}

function setZone(host: AoHost, args: readonly number[]): undefined {
  const [seconds = 0, daylight = 0, names = 0, otherName] = args
  host.memory.writeWord(seconds, 0)
  host.memory.writeI32(daylight, 0)
  if (otherName !== undefined) {
    host.memory.writeText(names, ZONE)
    host.memory.writeText(otherName, ZONE)
    return
  }
  // The old formats hand over an array of two addresses, once.
  const text = host.allocate(ZONE.length + 1)
  host.memory.writeText(text, ZONE)
  host.memory.writeWord(names, text)
  host.memory.writeWord(names + host.format.addressBits / 8, text)
}

function format(host: AoHost, target: number, size: number, pattern: number, at: number): number {
  const { memory } = host
  const field = (index: number) => memory.readI32(at + index * 4)
  const tail = tailOf(host)
  const zone = memory.readWord(at + tail.zone)
  const text = formatTime(memory.readText(pattern, PATTERN_MAX_BYTES), {
    second: field(0),
    minute: field(1),
    hour: field(2),
    monthDay: field(3),
    month: field(4),
    year: field(5),
    weekDay: field(6),
    yearDay: field(7),
    offset: memory.readI32(at + tail.offset),
    zone: zone === 0 ? '' : memory.readText(zone, 64),
  })
  const bytes = new TextEncoder().encode(text).length + 1
  if (bytes > size) return 0
  host.charge(bytes)
  return memory.writeText(target, text) - 1
}

export const TIME_IMPORTS: ImportTable = {
  emscripten_date_now: number(now),
  _emscripten_date_now: number(now),
  emscripten_get_now: number(now),
  emscripten_get_now_res: number(() => 1),
  _emscripten_get_now_is_monotonic: number(() => 1),
  clock_time_get: number((host, ...args) => {
    const ns = BigInt(Math.floor(now(host))) * 1_000_000n
    host.memory.writeU64(args.at(-1) ?? 0, ns)
    return 0
  }),
  clock_res_get: number((host, _clock = 0, at = 0) => {
    host.memory.writeU64(at, 1_000_000n)
    return 0
  }),
  _tzset_js: number((host, ...args) => setZone(host, args)),
  _gmtime_js: number((host, ...args) => writeTime(host, secondsOf(host, args), args.at(-1) ?? 0, false)),
  _localtime_js: number((host, ...args) => writeTime(host, secondsOf(host, args), args.at(-1) ?? 0, true)),
  _mktime_js: word((host, at = 0) => makeTime(host, at)),
  _timegm_js: word((host, at = 0) => makeTime(host, at)),
  strftime: word((host, target = 0, size = 0, pattern = 0, at = 0) => format(host, target, size, pattern, at)),
  strftime_l: word((host, target = 0, size = 0, pattern = 0, at = 0) => format(host, target, size, pattern, at)),
}
