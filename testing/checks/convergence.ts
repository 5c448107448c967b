import {
  type Certificate,
  decodeCertificate,
  equalBytes,
  Failure,
  messagesFeed,
  type ProcessDescription,
  resultsFeed,
  slotCount,
} from '../../protocol/index.ts'
import type { NodeRun } from '../simulation/node-run.ts'

/**
 * Has every node take over and evaluate every feed by itself, and compares: same state root, same results and same gas
 * after every frame. @throws {Failure} `verification-failed` saying where two differ; `unreachable` if a node is
 */
export async function checkConvergence(
  runs: readonly NodeRun[],
): Promise<{ readonly processes: number; readonly slots: number }> {
  let [processes, slots] = [0, 0]
  for (const home of runs) {
    for (const process of await home.log.directory.processes({ limit: 100_000 })) {
      if (process.policy.schedulers[0] !== home.key) continue
      await home.following.pull(process.id)
      const expected = await certificatesOf(home, process)
      for (const other of runs) {
        if (other === home) continue
        await other.following.pull(process.id)
        compare(process, expected, {
          home,
          other,
          certificates: await certificatesOf(other, process),
        })
      }
      processes += 1
      slots += await slotCount(home.log, messagesFeed(process))
    }
  }
  return { processes, slots }
}

/** What the compute unit of a node made of a whole feed. */
async function certificatesOf(run: NodeRun, process: ProcessDescription): Promise<Certificate[]> {
  const slots = await slotCount(run.log, messagesFeed(process))
  await run.units.reading.directory.module(process.module)
  if (slots > 0) await run.units.computer.result(process.id, slots - 1, { timeoutMs: 3_600_000 })
  // Certificates reach their feed a moment after their results are told.
  await run.clock.sleep(0)
  const feed = resultsFeed(process, run.key)
  while ((await run.log.length(feed)) < (await run.log.length(messagesFeed(process)))) await run.clock.sleep(1)
  const certificates: Certificate[] = []
  for await (const bytes of run.log.blocks(feed, 0)) certificates.push(decodeCertificate(bytes))
  return certificates
}

function compare(
  process: ProcessDescription,
  expected: readonly Certificate[],
  { home, other, certificates }: { home: NodeRun; other: NodeRun; certificates: readonly Certificate[] },
): void {
  const nodes = [home.name, other.name]
  if (expected.length !== certificates.length) {
    const frames = [expected.length, certificates.length].map(String)
    throw new Failure('verification-failed', { process: process.id, nodes, frames })
  }
  for (const [i, mine] of expected.entries()) {
    const theirs = certificates[i]
    const differs = theirs === undefined ? 'certificate' : differenceOf(mine, theirs)
    if (differs === undefined) continue
    const { firstSlot, count } = mine
    throw new Failure('verification-failed', {
      process: process.id,
      nodes,
      firstSlot,
      count,
      differs,
    })
  }
}

function differenceOf(a: Certificate, b: Certificate): string | undefined {
  if (a.firstSlot !== b.firstSlot || a.count !== b.count || !equalBytes(a.frameHash, b.frameHash)) return 'feed'
  if (!equalBytes(a.resultsRoot, b.resultsRoot)) return 'results'
  if (a.gas !== b.gas) return 'gas'
  return equalBytes(a.stateRoot, b.stateRoot) ? undefined : 'state'
}
