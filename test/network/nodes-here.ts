import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import type { Signer } from '../../protocol/index.ts'
import { type Client, connect } from '../../sdk/index.ts'

const SOON = { timeout: 60_000 }

/** A node in this program. */
export interface OpenNode {
  readonly node: AtollNode
  readonly client: Client
}

/** Nodes in this program, for one owner, each connected to those that were opened before. */
export class NodesHere {
  readonly #folder: Promise<string> = mkdtemp(join(tmpdir(), 'atoll-handover-'))
  readonly #open = new Map<string, AtollNode>()

  readonly #signer: Signer

  constructor(signer: Signer) {
    this.#signer = signer
    onTestFinished(async () => {
      await Promise.all([...this.#open.values()].map(node => node[Symbol.asyncDispose]()))
      await rm(await this.#folder, { recursive: true })
    })
  }

  async open(name: string): Promise<OpenNode> {
    const peer = [...this.#open.values()].flatMap(({ network }) => network?.addresses[0] ?? [])
    const node = await createNode({ data: join(await this.#folder, name), port: 0, listen: ['0'], peer, hosts: 1 })
    this.#open.set(name, node)
    return { node, client: connect({ url: node.url, signer: this.#signer }) }
  }

  /** Three, each connected to each. */
  async openThree(): Promise<[OpenNode, OpenNode, OpenNode]> {
    const three: [OpenNode, OpenNode, OpenNode] = [await this.open('a'), await this.open('b'), await this.open('c')]
    for (const { node } of three) await expect.poll(() => node.network?.peers.length, SOON).toBe(2)
    return three
  }

  async close(name: string): Promise<void> {
    const node = this.#open.get(name)
    this.#open.delete(name)
    await node?.[Symbol.asyncDispose]()
  }
}
