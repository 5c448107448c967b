import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UnitName } from '../../node/index.ts'
import type { CutOff } from './bank/cut-off.ts'
import { keptPort } from './kept-port.ts'
import { type RunningNode, startNode } from './running-node.ts'

export interface SeveralNodesOptions<Name extends string> {
  readonly cutOff?: CutOff | undefined
  /** Programs that are nodes of another kind. */
  readonly programs?: Partial<Record<Name, string | undefined>> | undefined
  /** Units that a node runs; all, if they are not given. */
  readonly units?: Partial<Record<Name, readonly UnitName[] | undefined>> | undefined
  /** See `NodeOptions`. */
  readonly spotChecks?: number | undefined
}

/** Nodes in processes of their own, each connected to each, which can be killed and started again where they were. */
export class SeveralNodes<Name extends string> implements AsyncDisposable {
  readonly names: readonly Name[]
  readonly #folder: string
  readonly #options: SeveralNodesOptions<Name>
  readonly #ports = new Map<Name, number>()
  readonly #keys = new Map<Name, string>()
  readonly #nodes = new Map<Name, RunningNode>()

  private constructor(folder: string, names: readonly Name[], options: SeveralNodesOptions<Name>) {
    this.#folder = folder
    this.names = names
    this.#options = options
  }

  static async start<Name extends string>(
    names: readonly Name[],
    options: SeveralNodesOptions<Name> = {},
  ): Promise<SeveralNodes<Name>> {
    const nodes = new SeveralNodes(await mkdtemp(join(tmpdir(), 'atoll-nodes-')), names, options)
    try {
      for (const name of names) nodes.#ports.set(name, await keptPort())
      const starts = await Promise.allSettled(names.map(name => nodes.start(name)))
      for (const start of starts) if (start.status === 'rejected') throw start.reason
      return nodes
    } catch (error) {
      await nodes[Symbol.asyncDispose]()
      throw error
    }
  }

  of(name: Name): RunningNode {
    const node = this.#nodes.get(name)
    if (node === undefined) throw new Error(`${name} is down`)
    return node
  }

  /** The key of a node: its scheduler's and its compute unit's. */
  key(name: Name): string {
    return this.#keys.get(name) ?? ''
  }

  isUp(name: Name): boolean {
    return this.#nodes.has(name)
  }

  async start(name: Name): Promise<void> {
    const peer = this.names.filter(other => other !== name).map(other => this.#address(other))
    const at = this.names.indexOf(name)
    const host = this.#host(name)
    const listen = [this.#address(name)]
    const { units, spotChecks } = this.#options
    const options = { listen, peer, host, allowedHosts: [host], units: units?.[name], spotChecks }
    const node = await startNode(
      join(this.#folder, name),
      options,
      this.#options.cutOff?.prefix(at),
      this.#options.programs?.[name],
    )
    this.#nodes.set(name, node)
    this.#keys.set(name, node.scheduler)
  }

  async kill(name: Name): Promise<void> {
    const node = this.#nodes.get(name)
    this.#nodes.delete(name)
    await node?.kill()
  }

  /** Keeps a node from all others until it is healed. */
  async cut(name: Name): Promise<void> {
    await this.#options.cutOff?.cut(this.names.indexOf(name), this.of(name).pid)
  }

  async heal(name: Name): Promise<void> {
    await this.#options.cutOff?.heal(this.names.indexOf(name), this.#nodes.get(name)?.pid ?? 0)
  }

  #host(name: Name): string {
    return this.#options.cutOff?.address(this.names.indexOf(name)) ?? '127.0.0.1'
  }

  #address(name: Name): string {
    return `/ip4/${this.#host(name)}/tcp/${this.#ports.get(name)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(node => node.kill()))
    await rm(this.#folder, { recursive: true, force: true })
  }
}
