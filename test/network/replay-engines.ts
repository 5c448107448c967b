import { childProcessHosts, HostSeat, type ProcessSnapshot, verdictsOn } from '../../compute-unit/index.ts'
import { hostProgram, sourceFromLog } from '../../node/index.ts'
import { type ProcessId, readFrameHead, toHex } from '../../protocol/index.ts'
import type { TestNode } from '../fakes/test-node.ts'

/** Engines that differ in how they compile; `liftoff` never optimises, `turbofan` always does. */
export const ENGINES: ReadonlyMap<string, readonly string[]> = new Map([
  ['default', []],
  ['liftoff', ['--liftoff', '--no-wasm-tier-up']],
  ['turbofan', ['--no-liftoff', '--no-wasm-tier-up']],
])

/** State root and gas after a slot. */
export interface Step {
  readonly slot: number
  readonly root: string
  readonly gas: bigint
}

/** State root and gas of every slot, evaluated in an engine of that kind, from slot 0 or from a snapshot on. */
export async function replay(
  node: TestNode,
  process: ProcessId,
  flags: readonly string[],
  snapshot?: ProcessSnapshot,
): Promise<Step[]> {
  const description = await node.log.directory.process(process)
  const module = description && (await node.log.directory.module(description.module))
  const spawn = await node.log.directory.spawnEnvelope(process)
  if (description === undefined || module === undefined || spawn === undefined)
    throw new TypeError('expected a process')
  await using seat = new HostSeat({
    open: childProcessHosts(hostProgram(flags)),
    wallMaxMs: 60_000,
    onExit: () => undefined,
  })
  await seat.load(module)
  await seat.ask({ kind: 'open', process, module: module.id, spawn, snapshot })
  const steps: Step[] = []
  let index = -1
  for await (const frame of (await sourceFromLog(node.log, process)).frames()) {
    const { firstSlot } = readFrameHead(frame)
    index += 1
    if (firstSlot < (snapshot?.slots ?? 0)) continue
    const verdicts = await verdictsOn(description, index, frame, false, node.log)
    const answer = await seat.ask({ kind: 'evaluate', process, frame, verdicts, steps: true })
    if (answer.kind !== 'evaluated') throw new TypeError('expected an outcome')
    steps.push(
      ...answer.outcome.steps.map(({ stateRoot, gas }, i) => ({
        slot: firstSlot + i,
        root: toHex(stateRoot),
        gas,
      })),
    )
  }
  return steps
}
