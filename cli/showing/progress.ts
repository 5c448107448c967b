import { counted } from '../../protocol/index.ts'
import { showDuration } from '../words/duration.ts'
import type { Terminal } from '../terminal.ts'

const BAR_COLUMNS = 24
const LIVE_EVERY_MS = 100
const PLAIN_EVERY_MS = 5_000
/** A rate of less time than this is chance. */
const MEASURED_MIN_S = 1

/** How far a long piece of work has come, on standard error. */
export interface Progress {
  /** `done` of `total` units. Cheap: may be called for each. */
  at(done: number, total: number): void
  /** Takes the bar away, or writes the last line. Idempotent. */
  end(): void
}

/**
 * A bar where somebody looks, a plain line every few seconds where nobody does. Work that ends before the first
 * line is due leaves no trace.
 */
export function showProgress(
  title: string,
  unit: string,
  terminal: Terminal,
  now = (): number => performance.now(),
): Progress {
  const everyMs = terminal.isLive ? LIVE_EVERY_MS : PLAIN_EVERY_MS
  let shownAt = now()
  let isShown = false
  let last: [number, number] = [0, 0]
  let isOver = false
  // Whatever came before the first word of progress tells nothing of the rate.
  let begun: { readonly done: number; readonly atMs: number } | undefined
  const line = ([done, total]: [number, number]): string => {
    const share = total > 0 ? Math.min(1, done / total) : 0
    const counts = `${done.toLocaleString('en')}/${counted(total, unit)}`
    const percent = `${String(Math.floor(share * 100)).padStart(3)}%`
    const bar = terminal.isLive ? `  ${barOf(share)}` : ''
    return `${title}${bar}  ${percent}  ${counts}${paceOf(done, total)}`
  }
  const paceOf = (done: number, total: number): string => {
    const seconds = begun === undefined ? 0 : (now() - begun.atMs) / 1000
    if (begun === undefined || seconds < MEASURED_MIN_S) return ''
    const rate = (done - begun.done) / seconds
    const eta = rate > 0 && done < total ? `  eta ${showDuration(((total - done) / rate) * 1000)}` : ''
    return `  ${Math.round(rate).toLocaleString('en')}/s${eta}`
  }
  return {
    at(done, total) {
      last = [done, total]
      begun ??= { done, atMs: now() }
      if (isOver || now() - shownAt < everyMs) return
      shownAt = now()
      isShown = true
      terminal.err(terminal.isLive ? `\r\u001b[2K${line(last)}` : `${line(last)}\n`)
    },
    end() {
      if (isOver) return
      isOver = true
      if (!isShown) return
      terminal.err(terminal.isLive ? '\r\u001b[2K' : `${line(last)}\n`)
    },
  }
}

function barOf(share: number): string {
  const filled = Math.round(share * BAR_COLUMNS)
  return '━'.repeat(filled) + '┄'.repeat(BAR_COLUMNS - filled)
}

/** Waits for work that does not tell how far it is: where somebody looks, a line says so after a second, until it is done. */
export async function whileWaiting<T>(title: string, terminal: Terminal, work: Promise<T>): Promise<T> {
  if (!terminal.isLive) return work
  let seconds = 0
  const timer = setInterval(() => {
    seconds += 1
    terminal.err(`\r\u001b[2K${title} … ${seconds} s`)
  }, 1000)
  try {
    return await work
  } finally {
    clearInterval(timer)
    if (seconds > 0) terminal.err('\r\u001b[2K')
  }
}
