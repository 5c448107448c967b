import type { HypercoreLogParts } from './hypercore-log.ts'
import type { GroupCommit } from './journal/group-commit.ts'

/** Brings all that waits to the disk and closes everything, whatever of it fails. @throws {AggregateError} of what did */
export async function closeLog(parts: HypercoreLogParts, group: GroupCommit): Promise<void> {
  const { behind, journal, keeper, messages, processes, replication, store, feeds } = parts
  const errors: unknown[] = []
  const step = async (run: () => Promise<void>): Promise<void> => {
    try {
      await run()
    } catch (error) {
      errors.push(error)
    }
  }
  await group.drain()
  await step(() => replication[Symbol.asyncDispose]())
  await step(() => behind[Symbol.asyncDispose]())
  await step(async () => {
    await keeper.drain()
    await journal.rotate()
    await keeper.drop()
  })
  await step(() => messages.close())
  await step(() => processes.close())
  await step(() => journal[Symbol.asyncDispose]())
  await step(() => store[Symbol.asyncDispose]())
  await step(() => feeds[Symbol.asyncDispose]())
  if (errors.length > 0)
    throw new AggregateError(errors, 'the log did not close cleanly; its journal keeps what was acknowledged')
}
