/** Figures as text: three digits that mean something, and their unit. */

const US_PER_MS = 1_000
const KIB = 1024

const digits = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

export const perSecond = (value: number, what = ''): string => `${digits(value)}${what === '' ? '' : ` ${what}`}/s`

export const microseconds = (value: number): string => `${digits(value)} µs`

export const milliseconds = (value: number): string =>
  value < 1 ? microseconds(value * US_PER_MS) : `${digits(value)} ms`

export const times = (value: number): string => `${digits(value)}×`

export const kibibytes = (bytes: number): string => `${digits(bytes / KIB)} KiB`

export const mebibytes = (bytes: number): string => `${digits(bytes / KIB / KIB)} MiB`

export const whole = (value: number): string => Math.round(value).toLocaleString('en')
