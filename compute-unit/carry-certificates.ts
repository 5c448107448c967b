import { type KeyId, type Log, type ProcessDescription, resultsFeed } from '../protocol/index.ts'

const TOGETHER = 256

/**
 * Begins this unit's feed of results of a new epoch with what it certified of the blocks that stay: they are a function of the feed,
 * so the same bytes would come of evaluating them again. Idempotent.
 */
export async function carryCertificates(log: Pick<Log, 'length' | 'blocks' | 'append'>, process: ProcessDescription, key: KeyId): Promise<void> {
  const { prologue, earlier = [], id } = process
  if (prologue === undefined) return
  const feed = resultsFeed(process, key)
  for (const { epoch } of [...earlier].reverse()) {
    const old = resultsFeed({ id, epoch }, key)
    const end = Math.min(prologue.length, await log.length(old))
    if (end === 0) continue
    let certificates: Uint8Array[] = []
    let index = Math.min(end, await log.length(feed))
    for await (const certificate of log.blocks(old, index, end)) {
      certificates.push(certificate)
      if (certificates.length < TOGETHER && index + certificates.length < end) continue
      await log.append(feed, index, certificates)
      index += certificates.length
      certificates = []
    }
    return
  }
}
