import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningNode, startNode } from './running-node.ts'

/** Nodes in processes of their own, each connected to each, which can be killed and started again where they were. */
export class SeveralNodes<Name extends string> implements AsyncDisposable {
  readonly #folder: string
  readonly #names: readonly Name[]
  readonly #ports = new Map<Name, number>()
  readonly #addresses = new Map<Name, string>()
  readonly #nodes = new Map<Name, RunningNode>()

  private constructor(folder: string, names: readonly Name[]) {
    this.#folder = folder
    this.#names = names
  }

  static async start<Name extends string>(names: readonly Name[]): Promise<SeveralNodes<Name>> {
    const nodes = new SeveralNodes(await mkdtemp(join(tmpdir(), 'atoll-nodes-')), names)
    try {
      for (const name of names) {
        nodes.#ports.set(name, await freePort())
        await nodes.start(name)
      }
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
    return this.of(name).scheduler
  }

  isUp(name: Name): boolean {
    return this.#nodes.has(name)
  }

  async start(name: Name): Promise<void> {
    const peer = this.#names.flatMap(other => (other === name ? [] : (this.#addresses.get(other) ?? [])))
    const listen = [`/ip4/127.0.0.1/tcp/${this.#ports.get(name)}`]
    const node = await startNode(join(this.#folder, name), { listen, peer })
    this.#nodes.set(name, node)
    this.#addresses.set(name, node.addresses[0] ?? '')
  }

  async kill(name: Name): Promise<void> {
    const node = this.#nodes.get(name)
    this.#nodes.delete(name)
    await node?.kill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(node => node.kill()))
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** A port of loopback that nobody uses now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
