import type { AnyContract } from '../../contract/index.ts'
import { Failure, type ProcessId } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import type { NodeRun } from '../simulation/node-run.ts'

export interface FittingStatesParts {
  readonly runs: readonly NodeRun[]
  /** What the modules of agents promise, by their ids; others are not looked at. */
  readonly contracts: ReadonlyMap<string, AnyContract>
  /** A client of the node that a process lives on. */
  clientOf(process: ProcessId): Client
}

/**
 * Checks that the state of every agent is one that its contract takes. No message is checked for that as it runs: a state that
 * does not fit goes on until an upgrade, a restore or a rollback, which then fails.
 * @throws {Failure} `verification-failed` with what does not fit
 */
export async function checkFittingStates({ runs, contracts, clientOf }: FittingStatesParts): Promise<void> {
  for (const { key, log } of runs) {
    for (const { id, policy } of await log.directory.processes({ limit: 100_000 })) {
      if (policy.schedulers[0] !== key) continue
      const client = clientOf(id)
      const contract = contracts.get((await client.processes.lifecycle(id)).module)
      if (contract !== undefined) await checkOne(client, contract, id)
    }
  }
}

async function checkOne(client: Client, contract: AnyContract, process: ProcessId): Promise<void> {
  try {
    await client.process(contract, process).state()
  } catch (error) {
    if (Failure.is(error, 'bad-reply'))
      throw new Failure(
        'verification-failed',
        { process },
        { note: `its state does not fit: ${error.message}`, cause: error },
      )
    // One whose init failed has no state.
    if (!Failure.is(error, 'process-error')) throw error
  }
}
