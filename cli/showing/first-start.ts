import type { StandardModule } from '../../node/index.ts'
import {
  type CallOptions,
  childId,
  Failure,
  type ProcessId,
  pushId,
  type Signer,
  type TraceNodeView,
  type TraceView,
} from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import { addShipped } from '../standard-module.ts'
import { verifiedResult } from '../verified-result.ts'

/** What a first start did, to be shown. */
export interface FirstStart {
  readonly modules: readonly string[]
  /** Names of the two processes by their ids. */
  readonly names: ReadonlyMap<string, string>
  readonly ping: ProcessId
  readonly pong: ProcessId
  readonly trace: TraceView
  /** Results whose signatures, certificates and Merkle paths were checked here. */
  readonly verified: number
}

/** How often the two processes answer each other. */
const ROUNDS = 4

/** Tells whether nothing was ever spawned here. */
export async function isFirstStart(client: Client, limits: CallOptions): Promise<boolean> {
  for await (const _ of client.processes.list(limits)) return false
  return true
}

/** Adds the modules that come with Atoll, spawns two processes, has them talk to each other, and checks every result. */
export async function runFirstStart(
  client: Client,
  shipped: readonly StandardModule[],
  signer: Signer,
  limits: CallOptions,
): Promise<FirstStart> {
  const modules = new Map<string, string>()
  for (const module of shipped) modules.set(module.name, await addShipped(client, module, signer, limits))
  const module = modules.get('relay') ?? ''
  const [ping, pong] = await Promise.all(
    ['ping', 'pong'].map(name => client.spawn({ module, tags: [{ name: 'Name', value: name }], signer }, limits)),
  )
  if (ping === undefined || pong === undefined) throw new TypeError('expected two processes')
  // Their spawn messages are evaluated first, so that the times below are those of the talk alone.
  await Promise.all([ping, pong].map(process => process.result(0, limits)))
  const sent = await ping.send(
    {
      action: 'Start',
      tags: [
        { name: 'Peer', value: pong.id },
        { name: 'Rounds', value: String(ROUNDS) },
      ],
      signer,
    },
    limits,
  )
  const trace = await sent.settled(limits)
  const names = new Map<string, string>([
    [ping.id, 'ping'],
    [pong.id, 'pong'],
  ])
  return {
    modules: [...modules.keys()],
    names,
    ping: ping.id,
    pong: pong.id,
    trace,
    verified: await verifyTree(client, trace.root, limits),
  }
}

/**
 * Checks a whole tree: every result, that it is the result of that message, and that the result of its parent asked
 * for that message. @throws {Failure} `verification-failed`
 */
export async function verifyTree(client: Client, root: TraceNodeView, limits: CallOptions): Promise<number> {
  let verified = 0
  const waiting: { node: TraceNodeView; askedFor: ReadonlySet<string> | undefined }[] = [
    { node: root, askedFor: undefined },
  ]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, askedFor } = next
    if (node.slot === undefined) continue
    if (askedFor?.has(node.id) === false) {
      throw new Failure('verification-failed', { message: node.id }, { note: 'its parent did not ask for it' })
    }
    const { result } = await verifiedResult(client, node.process, node.slot, { ...limits, message: node.id })
    const sent = new Set<string>(
      result.outbox.flatMap(({ core, coreBytes }) => [pushId(coreBytes), childId(core.from, core.slot, core.index)]),
    )
    for (const child of node.children)
      waiting.push({ node: child, askedFor: child.kind === 'assigned' ? undefined : sent })
    verified += 1
  }
  return verified
}
