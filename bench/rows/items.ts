/** Signed items, made before anything is timed. */
import { standardModules } from '../../node/index.ts'
import { signDataItemSync, type Tag } from '../../protocol/index.ts'
import { Failure } from '../../sdk/index.ts'
import type { BenchNode } from './bench-node.ts'

const SEED = new Uint8Array(32).fill(7)

/** Requests with bundles on their way at the same time. */
const IN_FLIGHT = 16
/** Items in one bundle. */
const BUNDLE_ITEMS = 1024
const POST_MAX_MS = 120_000

let made = 0

export const tagsOf = (fields: Record<string, string>): Tag[] =>
  Object.entries(fields).map(([name, value]) => ({ name, value }))

/** An Ed25519 item as AO's clients write them; each is unlike all others. */
export function signedItem(
  fields: Record<string, string>,
  target?: string,
  data: Uint8Array | string = ' ',
): Uint8Array {
  const tags = tagsOf({ 'Data-Protocol': 'ao', Variant: 'ao.TN.1', ...fields, N: String(made++) })
  return signDataItemSync(target === undefined ? { tags, data } : { target, tags, data }, SEED).bytes
}

export const messageTo = (process: string, fields: Record<string, string>, data?: string): Uint8Array =>
  signedItem({ Type: 'Message', ...fields }, process, data)

/** Adds a module of ours to a node; gives its id. */
export async function addStandardModule(node: BenchNode, name: 'counter' | 'relay'): Promise<string> {
  const standard = (await standardModules()).find(one => one.name === name)
  if (standard === undefined) throw new Error(`no module ${name}`)
  return addModule(node, Object.fromEntries(standard.tags.map(tag => [tag.name, tag.value])), standard.wasm)
}

/** Adds a module; gives its id. */
export async function addModule(node: BenchNode, tags: Record<string, string>, wasm: Uint8Array): Promise<string> {
  const item = signedItem({ Type: 'Module', ...tags }, undefined, wasm)
  const added = await node.client.transport.request('addModule', { bytes: item }, { signal: node.signal })
  return added.module
}

/** Spawns processes of a module and waits until the last of each bundle is evaluated. */
export async function spawnMany(node: BenchNode, module: string, count: number): Promise<string[]> {
  const items = Array.from({ length: count }, () =>
    signedItem({ Type: 'Process', Module: module, Scheduler: node.scheduler }),
  )
  const placed = await post(node, items)
  const processes = [...placed.keys()]
  if (processes.length !== count) throw new Error(`${processes.length} of ${count} spawned`)
  return processes
}

/** Posts items in bundles, a few requests in flight; gives the last slot of each process. */
export async function post(node: BenchNode, items: readonly Uint8Array[]): Promise<Map<string, number>> {
  const last = new Map<string, number>()
  const limits = { signal: node.signal, timeoutMs: POST_MAX_MS }
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const bundle = items.slice(next, next + BUNDLE_ITEMS)
      next += bundle.length
      for (const answer of await node.client.submitMany(bundle, limits)) {
        if (answer instanceof Failure) throw answer
        if ('module' in answer) throw new Error('a message became a module')
        last.set(answer.process, Math.max(answer.slot, last.get(answer.process) ?? 0))
      }
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return last
}
