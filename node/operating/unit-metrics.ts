import type { SpotCheckOutcome } from '../../agreement/index.ts'
import type { Counter, Failure, FailureCode, MetricsRegistry } from '../../protocol/index.ts'

/** What the units of a node count. */
export interface UnitMetrics {
  committed(frames: readonly { readonly bytes: Uint8Array; readonly ids: readonly string[] }[]): void
  evaluated(slots: number, gas: bigint): void
  trouble(failure: Failure): void
  spotChecked(outcome: SpotCheckOutcome): void
}

export function createUnitMetrics(metrics: MetricsRegistry): UnitMetrics {
  const frames = metrics.counter('atoll_frames_total', 'Frames made durable')
  const slots = metrics.counter('atoll_slots_total', 'Messages given a slot')
  const bytes = metrics.counter('atoll_frame_bytes_total', 'Bytes of frames made durable')
  const evaluated = metrics.counter('atoll_evaluated_slots_total', 'Slots evaluated')
  const gasUsed = metrics.counter('atoll_gas_total', 'Gas of evaluated slots')
  const spotChecks = new Map<SpotCheckOutcome, Counter>()
  const troubles = new Map<FailureCode, Counter>()
  metrics.gaugeOf('process_resident_memory_bytes', 'Memory of this program', () => process.memoryUsage.rss())
  metrics.gaugeOf('process_cpu_seconds_total', 'Processor time of this program', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  return {
    committed(committed) {
      for (const frame of committed) {
        frames.add()
        slots.add(frame.ids.length)
        bytes.add(frame.bytes.length)
      }
    },
    evaluated(count, gas) {
      evaluated.add(count)
      gasUsed.add(Number(gas))
    },
    spotChecked(outcome) {
      const help = 'Frames picked by chance, and what others certified of them compared'
      const known = spotChecks.get(outcome) ?? metrics.counter('atoll_spot_checks_total', help, { outcome })
      spotChecks.set(outcome, known)
      known.add()
    },
    trouble({ code }) {
      const known = troubles.get(code) ?? metrics.counter('atoll_troubles_total', 'Failures that units met', { code })
      troubles.set(code, known)
      known.add()
    },
  }
}
