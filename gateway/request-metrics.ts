import type { Counter, Histogram, MetricsRegistry, OperationName } from '../protocol/index.ts'

/** Seconds; half of them below ten milliseconds, where most answers are. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 60]

/** Counts requests by operation and status, and how long answers took. */
export class RequestMetrics {
  readonly #registry: MetricsRegistry
  readonly #counters = new Map<string, Counter>()
  readonly #histograms = new Map<string, Histogram>()

  constructor(registry: MetricsRegistry) {
    this.#registry = registry
  }

  record(name: OperationName | undefined, status: number, tookMs: number): void {
    const operation = name ?? 'other'
    this.#counter(operation, String(status)).add()
    this.#histogram(operation).observe(tookMs / 1000)
  }

  #counter(operation: string, status: string): Counter {
    const key = `${operation} ${status}`
    let counter = this.#counters.get(key)
    if (counter === undefined) {
      counter = this.#registry.counter('atoll_http_requests_total', 'Requests answered', {
        operation,
        status,
      })
      this.#counters.set(key, counter)
    }
    return counter
  }

  #histogram(operation: string): Histogram {
    let histogram = this.#histograms.get(operation)
    if (histogram === undefined) {
      histogram = this.#registry.histogram('atoll_http_request_seconds', 'Time to answer', BOUNDS, {
        operation,
      })
      this.#histograms.set(operation, histogram)
    }
    return histogram
  }
}
