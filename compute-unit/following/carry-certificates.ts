import {
  decodeCertificate,
  equalBytes,
  type FeedSpec,
  frameHash,
  type KeyId,
  type Log,
  messagesFeed,
  type ProcessDescription,
  resultsFeed,
  type Slot,
} from '../../protocol/index.ts'

const TOGETHER = 256

type CarryLog = Pick<Log, 'length' | 'block' | 'blocks' | 'append'>

/**
 * Begins this unit's feed of results of a new epoch with what it certified of the blocks that stay: they are a function of the feed,
 * so the same bytes would come of evaluating them again. What it certified may be of other blocks, where schedulers signed two feeds:
 * it ends before the first that does not stand in the new feed. Idempotent. Gives how far results are those of the new feed.
 */
export async function carryCertificates(log: CarryLog, process: ProcessDescription, key: KeyId): Promise<Slot> {
  const { prologue, earlier = [], id } = process
  if (prologue === undefined) return 0
  const feed = resultsFeed(process, key)
  for (const { epoch } of [...earlier].reverse()) {
    const old = resultsFeed({ id, epoch }, key)
    const end = Math.min(prologue.length, await log.length(old))
    if (end === 0) continue
    let certificates: Uint8Array[] = []
    let index = Math.min(end, await log.length(feed))
    for await (const certificate of log.blocks(old, index, end)) {
      if (!(await isOf(log, messagesFeed(process), index + certificates.length, certificate))) break
      certificates.push(certificate)
      if (certificates.length < TOGETHER) continue
      await log.append(feed, index, certificates)
      index += certificates.length
      certificates = []
    }
    if (certificates.length > 0) await log.append(feed, index, certificates)
    break
  }
  const length = await log.length(feed)
  const last = length === 0 ? undefined : await log.block(feed, length - 1)
  if (last === undefined) return 0
  const { firstSlot, count } = decodeCertificate(last)
  return firstSlot + count
}

/** Whether a certificate is of the block that stands there. */
async function isOf(log: CarryLog, feed: FeedSpec, index: number, certificate: Uint8Array): Promise<boolean> {
  const block = await log.block(feed, index)
  return block !== undefined && equalBytes(frameHash(block), decodeCertificate(certificate).frameHash)
}
