/** Names and values of labels; few values each, never an id that callers choose. */
export type Labels = Readonly<Record<string, string>>

/** Goes up only. */
export interface Counter {
  add(amount?: number): void
}

/** Goes up and down. */
export interface Gauge {
  set(value: number): void
}

/** How values are spread. */
export interface Histogram {
  observe(value: number): void
}

/**
 * Where rooms count what they do. Names end in their unit (`_seconds`, `_bytes`, `_total`); asking twice for
 * the same name and labels gives the same series, so keep what is on a hot path.
 */
export interface MetricsRegistry {
  counter(name: string, help: string, labels?: Labels): Counter
  gauge(name: string, help: string, labels?: Labels): Gauge
  /** A gauge that is read when somebody asks. */
  gaugeOf(name: string, help: string, read: () => number, labels?: Labels): void
  /** `bounds`: upper bounds of the buckets, ascending. */
  histogram(name: string, help: string, bounds: readonly number[], labels?: Labels): Histogram
  /** All series in Prometheus' text format 0.0.4. */
  text(): string
}
