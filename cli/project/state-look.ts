import { setTimeout } from 'node:timers/promises'
import { checkValue, schemaOfJson } from '../../contract/index.ts'
import { Failure, type InterfaceDescription } from '../../protocol/index.ts'
import { type Client, contractOf } from '../../sdk/index.ts'
import { safeBlock } from '../showing/show-bytes.ts'
import type { Terminal } from '../terminal.ts'

/** What became of the looks at one process. */
interface Looks {
  isLooking: boolean
  isWanted: boolean
  /** What was told last. */
  problem: string
}

/** A look takes the time of whoever evaluates: for this many times as long nobody looks again. */
const REST = 9

/**
 * Looks, after the slots of agents, whether their states are such as their contracts say. Nothing else does before an
 * upgrade, a restore or a rollback, which a state that does not fit makes fail. Holds nothing up: slots that come during a look have one after it.
 *
 * 1. What the process says of itself is looked at first: it knows fields that an upgrade would drop.
 * 2. What that cannot say (`refine`) only the program knows: an upgrade to itself, tried on a copy, asks it.
 */
export class StateLook {
  readonly #client: Client
  readonly #terminal: Terminal
  readonly #looks = new Map<string, Looks>()

  constructor(client: Client, terminal: Terminal) {
    this.#client = client
    this.#terminal = terminal
  }

  look(name: string, process: string): void {
    const looks = this.#looks.get(process) ?? { isLooking: false, isWanted: false, problem: '' }
    this.#looks.set(process, looks)
    looks.isWanted = true
    if (!looks.isLooking) void this.#run(name, process, looks)
  }

  async #run(name: string, process: string, looks: Looks): Promise<void> {
    looks.isLooking = true
    while (looks.isWanted && !this.#terminal.signal.aborted) {
      looks.isWanted = false
      const begun = performance.now()
      const problem = await this.#problemOf(process)
      if (problem !== '' && problem !== looks.problem) this.#tell(name, problem)
      looks.problem = problem
      await this.#rest(performance.now() - begun)
    }
    looks.isLooking = false
  }

  #tell(name: string, problem: string): void {
    const { err, paintErr } = this.#terminal
    err(
      `${paintErr('red', '✖')} ${name}: its state does not fit its contract: ${safeBlock(problem)}\n` +
        '  next: correct what writes it; the next upgrade fails, or needs a version and a migrate that mends it\n',
    )
  }

  async #rest(tookMs: number): Promise<void> {
    const { signal } = this.#terminal
    await setTimeout(REST * tookMs, undefined, { signal, ref: false }).catch(() => undefined)
  }

  async #problemOf(process: string): Promise<string> {
    try {
      const { signal } = this.#terminal
      const described = await this.#client.processes.interface(process, { signal })
      const state = await this.#client.process(contractOf(described), process).state({ signal })
      const checked = checkValue(schemaOfJson(described.state), state)
      return checked.ok ? await this.#problemOfProgram(process, described) : checked.problem
    } catch (error) {
      // It keeps no contract, or has no state, or the node is about to end.
      if (Failure.is(error)) return ''
      throw error
    }
  }

  async #problemOfProgram(process: string, { name, version }: InterfaceDescription): Promise<string> {
    const { signal } = this.#terminal
    const { processes } = this.#client
    const { moduleInForce: module } = await processes.get(process, { signal })
    const { error } = await processes.checkUpgrade(process, { module, pending: 'reject', replay: 0 }, { signal })
    if (error?.code !== 'bad-state') return ''
    const begin = `state of ${name} ${version}: `
    return error.message.startsWith(begin) ? error.message.slice(begin.length) : error.message
  }
}
