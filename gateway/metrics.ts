import type { Counter, Gauge, Histogram, Labels, MetricsRegistry } from '../protocol/index.ts'

/** Series of one name: more would mean that callers choose the labels. */
const SERIES_MAX = 1000

interface Family {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly series: Map<string, Series>
}

interface Series {
  readonly write: (name: string, labels: string) => string
}

class CounterSeries implements Counter, Series {
  #value = 0
  add(amount = 1): void {
    if (amount < 0) throw new RangeError(`expected an amount from 0 up, got ${amount}`)
    this.#value += amount
  }
  write = (name: string, labels: string): string => `${name}${braced(labels)} ${this.#value}\n`
}

class GaugeSeries implements Gauge, Series {
  #read: () => number
  constructor(read: () => number = () => 0) {
    this.#read = read
  }
  set(value: number): void {
    this.#read = () => value
  }
  write = (name: string, labels: string): string => `${name}${braced(labels)} ${this.#read()}\n`
}

class HistogramSeries implements Histogram, Series {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }
  observe(value: number): void {
    let at = 0
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? 0)) at++
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#sum += value
  }
  write = (name: string, labels: string): string => {
    let text = ''
    let total = 0
    const prefix = labels === '' ? '' : `${labels},`
    for (const [at, count] of this.#counts.entries()) {
      total += count
      text += `${name}_bucket{${prefix}le="${this.#bounds[at] ?? '+Inf'}"} ${total}\n`
    }
    return `${text}${name}_sum${braced(labels)} ${this.#sum}\n${name}_count${braced(labels)} ${total}\n`
  }
}

/** Counts in memory, and tells them as Prometheus reads them. */
export class Metrics implements MetricsRegistry {
  readonly #families = new Map<string, Family>()

  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#series(name, 'counter', help, labels, () => new CounterSeries())
  }

  gauge(name: string, help: string, labels: Labels = {}): Gauge {
    return this.#series(name, 'gauge', help, labels, () => new GaugeSeries())
  }

  gaugeOf(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.#series(name, 'gauge', help, labels, () => new GaugeSeries(read))
  }

  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
    return this.#series(name, 'histogram', help, labels, () => new HistogramSeries(bounds))
  }

  text(): string {
    let text = ''
    for (const [name, { kind, help, series }] of this.#families) {
      text += `# HELP ${name} ${help.replace(/[\\\n]/g, ' ')}\n# TYPE ${name} ${kind}\n`
      for (const [labels, one] of series) text += one.write(name, labels)
    }
    return text
  }

  #series<S extends Series>(name: string, kind: Family['kind'], help: string, labels: Labels, make: () => S): S {
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new TypeError(`expected a name in snake_case, got ${name}`)
    let family = this.#families.get(name)
    if (family === undefined) {
      family = { kind, help, series: new Map() }
      this.#families.set(name, family)
    }
    if (family.kind !== kind) throw new TypeError(`${name} is a ${family.kind} already`)
    const text = labelText(labels)
    const known = family.series.get(text)
    if (known !== undefined) return known as S
    if (family.series.size >= SERIES_MAX) throw new RangeError(`more than ${SERIES_MAX} series of ${name}`)
    const made = make()
    family.series.set(text, made)
    return made
  }
}

function labelText(labels: Labels): string {
  const names = Object.keys(labels).sort()
  return names
    .map(name => `${name}="${(labels[name] ?? '').replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',')
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}
