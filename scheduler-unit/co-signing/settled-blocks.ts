import {
  Failure,
  type FeedHead,
  type FeedTree,
  type KeyId,
  messagesFeed,
  type Peers,
  type ProcessDescription,
  signedBlocksHold,
} from '../../protocol/index.ts'

/**
 * The blocks that another scheduler has settled behind `before`, up to the length of `head`. It need not have that many: each
 * piece proves itself before more is asked for and held. @throws {Failure} `unreachable`, `bad-certificate`
 */
export async function settledBlocks(
  peers: Pick<Peers, 'frames'>,
  source: KeyId,
  process: ProcessDescription,
  before: FeedTree,
  head: FeedHead,
): Promise<readonly Uint8Array[]> {
  const blocks: Uint8Array[] = []
  for (let tree = before; tree.length < head.length; ) {
    const more = await peers.frames(source, process.id, tree.length)
    if (more === undefined || more.from !== tree.length)
      throw new Failure('unreachable', { scheduler: source }, { note: 'it has fewer blocks than it says' })
    const longer = more.blocks.length === 0 ? undefined : signedBlocksHold(messagesFeed(process), tree.roots, more)
    if (longer === undefined)
      throw new Failure(
        'bad-certificate',
        { process: process.id, scheduler: source },
        { note: 'blocks of its feed that no head covers' },
      )
    blocks.push(...more.blocks)
    tree = longer
  }
  return blocks.slice(0, head.length - before.length)
}
