import { type Certificate, encodeCertificate, toHex, type ModuleId, type ProcessId } from '../../protocol/index.ts'
import { SAMPLE_ACTOR, wat } from '../processes/actor/sample-actor.ts'
import { type ComputeHarness, itemEnvelope } from './compute-harness.ts'

/** The compute unit of the scheduler's own key: it believes what that scheduler says. */
export const TRUSTED = 1

/** Commands of the sample actor. */
export const COUNT = new Uint8Array([0])
export const TRAP = new Uint8Array([1])
export const GROW = new Uint8Array([3])

/** The sample actor. */
export const wasm = await wat(SAMPLE_ACTOR)

/** A process with some history: kept runs, failed runs, memory that grew; a frame for each slot. */
export async function withHistory(harness: ComputeHarness, slots: number, module?: ModuleId): Promise<ProcessId> {
  const process = await harness.spawn(
    module ?? (await harness.addModule(wasm, [{ name: 'Module-Format', value: 'actor' }])),
  )
  for (let i = 1; i < slots; i++)
    await harness.write(process, [itemEnvelope(process, {}, i % 7 === 3 ? TRAP : i === 5 ? GROW : COUNT)])
  await harness.unit.result(process, slots - 1)
  return process
}

export const hexOf = (certificates: readonly Certificate[]): string[] =>
  certificates.map(one => toHex(encodeCertificate(one)))
