import { decodeProcessOutput, findTag, type ResultView } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import { safeBlock, safeLine } from '../showing/show-bytes.ts'
import type { Terminal } from '../terminal.ts'

const SHOWN_CHARACTERS = 160

/** Writes a line for each slot of some processes as they are evaluated, while it is on. */
export class LiveResults {
  readonly #client: Client
  readonly #terminal: Terminal
  readonly #followed = new Set<string>()
  /** The first that was followed. */
  first: { readonly name: string; readonly process: string } | undefined
  isOn = true

  constructor(client: Client, terminal: Terminal) {
    this.#client = client
    this.#terminal = terminal
  }

  /** Follows a process from its next slot on; once, however often it is asked. */
  follow(name: string, process: string): void {
    if (this.#followed.has(process)) return
    this.#followed.add(process)
    this.first ??= { name, process }
    void this.#run(name, process).catch(() => this.#followed.delete(process))
  }

  async #run(name: string, process: string): Promise<void> {
    for await (const result of this.#client.results(process, { signal: this.#terminal.signal })) {
      if (!this.isOn) continue
      // It may come while a line tells of a wait.
      const start = this.#terminal.isLive ? '\r\u001b[2K' : ''
      this.#terminal.err(`${start}${await this.#lineOf(name, process, result)}\n`)
    }
  }

  async #lineOf(name: string, process: string, result: ResultView): Promise<string> {
    const { paintErr } = this.#terminal
    const { envelope } = await this.#client.processes.slot(process, result.slot)
    const action = ('tags' in envelope ? findTag(envelope.tags, 'Action') : undefined) ?? envelope.kind
    const mark = result.status === 'ok' ? paintErr('green', '●') : paintErr('red', '●')
    const log = result.log === '' ? '' : `\n    ${safeBlock(result.log)}`
    return `${mark} ${name} ${paintErr('dim', `#${result.slot}`)} ${action} ${whatCame(result)}${log}`
  }
}

function whatCame({ status, error, output }: ResultView): string {
  if (status !== 'ok') return safeLine(`${error?.code ?? status}: ${error?.message ?? ''}`)
  try {
    const { reply, pending, events = [] } = decodeProcessOutput(output)
    const emitted = events.length === 0 ? '' : ` · ${events.map(event => event.name).join(', ')}`
    if (pending === true) return `… waits${emitted}`
    return `${reply === undefined ? '' : `→ ${safeLine(JSON.stringify(reply)).slice(0, SHOWN_CHARACTERS)}`}${emitted}`
  } catch {
    return ''
  }
}
