import {
  decodeProcessOutput,
  findTag,
  type ProcessOutput,
  type ResultView,
  type SettledMessage,
} from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import { safeBlock, safeLine } from '../showing/show-bytes.ts'
import { shortId } from '../showing/short-id.ts'
import type { Terminal } from '../terminal.ts'

const SHOWN_CHARACTERS = 160
/** Messages that wait and are kept; of older ones, which may wait for ever, the id is shown once they are settled. */
const WAITING_MAX = 1_000

/** Writes a line for each slot of some processes as they are evaluated, while it is on; `seen` hears of each slot. */
export class LiveResults {
  readonly #client: Client
  readonly #terminal: Terminal
  readonly #followed = new Set<string>()
  /** Actions of the messages that wait for something, by their ids: a later slot tells what came of them. */
  readonly #waiting = new Map<string, string>()
  /** The first that was followed. */
  first: { readonly name: string; readonly process: string } | undefined
  isOn = true
  readonly #seen: (name: string, process: string) => void

  constructor(client: Client, terminal: Terminal, seen: (name: string, process: string) => void) {
    this.#client = client
    this.#terminal = terminal
    this.#seen = seen
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
      this.#seen(name, process)
      if (!this.isOn) continue
      // It may come while a line tells of a wait.
      const start = this.#terminal.isLive ? '\r\u001b[2K' : ''
      this.#terminal.err(`${start}${await this.#lineOf(name, process, result)}\n`)
    }
  }

  async #lineOf(name: string, process: string, result: ResultView): Promise<string> {
    const { paintErr } = this.#terminal
    const { envelope } = await this.#client.processes.slot(process, result.slot)
    const action = safeLine(('tags' in envelope ? findTag(envelope.tags, 'Action') : undefined) ?? envelope.kind)
    const outcome = result.status === 'ok' ? outcomeOf(result) : undefined
    if (outcome?.pending === true && result.message !== undefined) this.#wait(result.message, action)
    const mark = (isOk: boolean): string => paintErr(isOk ? 'green' : 'red', '●')
    const begin = `${name} ${paintErr('dim', `#${result.slot}`)}`
    const log = result.log === '' ? '' : `\n    ${safeBlock(result.log)}`
    const own = `${mark(result.status === 'ok')} ${begin} ${action} ${whatCame(result, outcome)}`.trimEnd() + log
    const settled = (outcome?.settled ?? []).map(
      one => `${mark(one.error === undefined)} ${begin} ${this.#actionOf(one)} ${whatSettled(one)}`,
    )
    return [own, ...settled].join('\n')
  }

  #wait(message: string, action: string): void {
    this.#waiting.set(message, action)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > WAITING_MAX && oldest !== undefined) this.#waiting.delete(oldest)
  }

  #actionOf({ message }: SettledMessage): string {
    const action = this.#waiting.get(message) ?? shortId(message)
    this.#waiting.delete(message)
    return action
  }
}

/** What an agent or a program says came of a message; nothing, of what says nothing in that form. */
function outcomeOf({ output }: ResultView): ProcessOutput | undefined {
  try {
    return decodeProcessOutput(output)
  } catch {
    return undefined
  }
}

function whatCame({ status, error }: ResultView, outcome: ProcessOutput | undefined): string {
  if (status !== 'ok') return safeLine(`${error?.code ?? status}: ${error?.message ?? ''}`)
  const { reply, pending, events = [] } = outcome ?? {}
  const emitted = events.length === 0 ? '' : `· ${events.map(event => safeLine(event.name)).join(', ')}`
  return [pending === true ? '… waits' : showReply(reply), emitted].filter(part => part !== '').join(' ')
}

const whatSettled = (one: SettledMessage): string =>
  one.error === undefined ? showReply(one.reply) : safeLine(`${one.error.code}: ${one.error.message}`)

const showReply = (reply: unknown): string =>
  reply === undefined ? '' : `→ ${safeLine(JSON.stringify(reply)).slice(0, SHOWN_CHARACTERS)}`
