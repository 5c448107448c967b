import { Failure, type Log, messagesFeed, type ProcessDescription } from '../../protocol/index.ts'

/**
 * Resolves once all that the feed of a process begins with stands on disk: what is written behind it is written at once, and must
 * not be there without what is before it. @throws {Failure} `moved` if some of it is still missing
 */
export async function expectBegun(log: Pick<Log, 'length' | 'sync'>, process: ProcessDescription): Promise<void> {
  const { id, prologue } = process
  if (prologue === undefined) return
  const length = await log.length(messagesFeed(process))
  if (length < prologue.length)
    throw new Failure('moved', { process: id }, { note: 'its feed is still being taken over' })
  if (length === prologue.length) await log.sync()
}
