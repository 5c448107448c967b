import {
  AGENT_FORMAT,
  type CallOptions,
  decodeAgentModule,
  Failure,
  type InterfaceDescription,
  type ModuleId,
  parseDataItem,
} from '../protocol/index.ts'
import type { ModuleCalls } from './module-calls.ts'

/** A module never changes, so what it promises is read once; as many as a person looks at. */
const REMEMBERED_MAX = 256

/** Reads what modules promise, each once. */
export class Interfaces {
  readonly #modules: Pick<ModuleCalls, 'get' | 'item'>
  readonly #known = new Map<ModuleId, InterfaceDescription | undefined>()

  constructor(modules: Pick<ModuleCalls, 'get' | 'item'>) {
    this.#modules = modules
  }

  /** @throws {Failure} `no-contract` if the module carries none */
  async of(module: ModuleId, options?: CallOptions): Promise<InterfaceDescription> {
    if (!this.#known.has(module)) this.#remember(module, await this.#read(module, options))
    const found = this.#known.get(module)
    if (found === undefined) throw new Failure('no-contract', { module })
    return found
  }

  async #read(module: ModuleId, options?: CallOptions): Promise<InterfaceDescription | undefined> {
    const { format } = await this.#modules.get(module, options)
    if (format !== AGENT_FORMAT) return undefined
    const { data } = parseDataItem(await this.#modules.item(module, options))
    return decodeAgentModule(data).interface
  }

  #remember(module: ModuleId, described: InterfaceDescription | undefined): void {
    const [oldest] = this.#known.keys()
    if (this.#known.size >= REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(module, described)
  }
}
