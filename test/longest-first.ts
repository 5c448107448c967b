import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, in seconds on a quiet machine of two cores; order is all that matters. */
const LONG: Readonly<Record<string, number>> = {
  'test/network/bank/bank.test.ts': 120,
  'test/network/kill.test.ts': 96,
  'test/network/replay.test.ts': 53,
  'test/network/verify-process.test.ts': 40,
  'test/testing/restarts.test.ts': 37,
  'test/network/ic-clients.test.ts': 30,
  'test/network/command.test.ts': 26,
  'test/network/two-nodes.test.ts': 25,
  'test/network/following-kills.test.ts': 25,
  'test/network/lying-unit.test.ts': 22,
  'test/network/one-network.test.ts': 22,
  'test/compute-unit/recovery.test.ts': 21,
  'test/network/units-anywhere.test.ts': 20,
  'test/network/following.test.ts': 20,
  'test/network/agents.test.ts': 20,
  'test/network/co-signing.test.ts': 18,
  'test/network/twins.test.ts': 18,
  'test/network/lifecycle.test.ts': 15,
  'test/network/restored.test.ts': 15,
  'test/network/records.test.ts': 10,
}

/** Begins with the files that take longest: none of them may be left alone at the end, with the other cores idle. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const secondsOf = ({ moduleId }: TestSpecification): number =>
      Object.entries(LONG).find(([path]) => moduleId.endsWith(`/${path}`))?.[1] ?? 0
    return sorted.sort((a, b) => secondsOf(b) - secondsOf(a))
  }
}
