import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, in seconds on a quiet machine of two cores; order is all that matters. */
const LONG: Readonly<Record<string, number>> = {
  'test/network/kill.test.ts': 100,
  'test/network/bank/bank.test.ts': 84,
  'test/network/ic-clients.test.ts': 47,
  'test/network/floods.test.ts': 46,
  'test/network/replay.test.ts': 45,
  'test/network/ao-clients.test.ts': 35,
  'test/network/ic-kill.test.ts': 30,
  'test/network/command.test.ts': 26,
  'test/network/moving.test.ts': 24,
  'test/network/units-anywhere.test.ts': 17,
  'test/network/market.test.ts': 15,
  'test/network/rust-canister.test.ts': 15,
  'test/network/agents.test.ts': 14,
  'test/network/agent-awaits.test.ts': 11,
  'test/network/lying-unit.test.ts': 10,
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
