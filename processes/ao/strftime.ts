/** Broken-down time, as in C's `struct tm`. */
export interface BrokenDownTime {
  readonly second: number
  readonly minute: number
  readonly hour: number
  readonly monthDay: number
  readonly month: number
  /** Since 1900. */
  readonly year: number
  readonly weekDay: number
  readonly yearDay: number
  /** Seconds east of Greenwich. */
  readonly offset: number
  readonly zone: string
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** Conversions that stand for a row of others, in the C locale. */
const ROWS: Readonly<Record<string, string>> = {
  c: '%a %b %d %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  h: '%b',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
}

const two = (value: number): string => String(value).padStart(2, '0')
const floorMod = (value: number, by: number): number => ((value % by) + by) % by

/** ISO 8601 week number and the year it belongs to. */
function isoWeek(time: BrokenDownTime): { week: number; year: number } {
  const year = time.year + 1900
  const monday = floorMod(time.weekDay - 1, 7)
  const week = Math.floor((time.yearDay - monday + 10) / 7)
  if (week < 1) return { week: weeksOf(year - 1), year: year - 1 }
  if (week > weeksOf(year)) return { week: 1, year: year + 1 }
  return { week, year }
}

/** A year has 53 weeks if its last day, or that of the year before, falls rightly. */
function weeksOf(year: number): number {
  const lastDay = (of: number) => floorMod(of + Math.floor(of / 4) - Math.floor(of / 100) + Math.floor(of / 400), 7)
  return lastDay(year) === 4 || lastDay(year - 1) === 3 ? 53 : 52
}

function offsetText(seconds: number): string {
  const minutes = Math.floor(Math.abs(seconds) / 60)
  return `${seconds < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
}

const CONVERSIONS: Readonly<Record<string, (time: BrokenDownTime) => string>> = {
  '%': () => '%',
  a: time => (WEEKDAYS[time.weekDay] ?? '?').slice(0, 3),
  A: time => WEEKDAYS[time.weekDay] ?? '?',
  b: time => (MONTHS[time.month] ?? '?').slice(0, 3),
  B: time => MONTHS[time.month] ?? '?',
  C: time => two(Math.floor((time.year + 1900) / 100)),
  d: time => two(time.monthDay),
  e: time => String(time.monthDay).padStart(2, ' '),
  g: time => two(floorMod(isoWeek(time).year, 100)),
  G: time => String(isoWeek(time).year),
  H: time => two(time.hour),
  I: time => two(time.hour % 12 === 0 ? 12 : time.hour % 12),
  j: time => String(time.yearDay + 1).padStart(3, '0'),
  m: time => two(time.month + 1),
  M: time => two(time.minute),
  n: () => '\n',
  p: time => (time.hour < 12 ? 'AM' : 'PM'),
  S: time => two(time.second),
  t: () => '\t',
  u: time => String(time.weekDay === 0 ? 7 : time.weekDay),
  U: time => two(Math.floor((time.yearDay + 7 - time.weekDay) / 7)),
  V: time => two(isoWeek(time).week),
  w: time => String(time.weekDay),
  W: time => two(Math.floor((time.yearDay + 7 - floorMod(time.weekDay - 1, 7)) / 7)),
  y: time => two(floorMod(time.year, 100)),
  Y: time => String(time.year + 1900),
  z: time => offsetText(time.offset),
  Z: time => time.zone,
}

/** C's strftime in the C locale; what is no conversion is kept as it stands. */
export function formatTime(pattern: string, time: BrokenDownTime): string {
  return pattern.replace(/%[EO]?(.)/gs, (whole, letter: string) => {
    const row = ROWS[letter]
    if (row !== undefined) return formatTime(row, time)
    return CONVERSIONS[letter]?.(time) ?? whole
  })
}
