import {
  type AssignmentView,
  type CertificatesView,
  decodeCertificate,
  decodeFrame,
  encodeFeedPage,
  equalBytes,
  Failure,
  type FeedSpec,
  findFrame,
  type KeyId,
  messagesFeed,
  type Operations,
  PAGE_MAX,
  PAGE_SIZE_MAX_BYTES,
  type ProcessId,
  resultsFeed,
  slotCount,
} from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { knownProcess } from './processes.ts'
import { showAssignment } from './show.ts'

/** What stands in feeds, decoded for readers and byte for byte for checkers. */
export function slotOperations(
  parts: OperationParts,
): Pick<Operations, 'slot' | 'listSlots' | 'frames' | 'feedHead' | 'certificates'> {
  const { log } = parts
  return {
    async slot({ process, slot }) {
      const feed = messagesFeed(await knownProcess(parts, process))
      const found = await findFrame(log, feed, slot)
      const assignment = found && decodeFrame(found.bytes).assignments[slot - found.firstSlot]
      if (found === undefined || assignment === undefined) {
        throw new Failure('unknown-slot', { slot, slots: await slotCount(log, feed) })
      }
      return showAssignment({ process, slot, block: found.index }, assignment)
    },
    async listSlots({ process, from = 0, limit = PAGE_MAX }) {
      const feed = messagesFeed(await knownProcess(parts, process))
      return readSlots(parts, { process, feed, from, limit })
    },
    async frames({ process, from_block: from = 0, limit = PAGE_MAX }) {
      const feed = messagesFeed(await knownProcess(parts, process))
      return encodeFeedPage({ from, ...(await readBlocks(parts, feed, from, limit)) })
    },
    async feedHead({ process }) {
      const head = await log.head(messagesFeed(await knownProcess(parts, process)))
      if (head === undefined) throw new Failure('unknown-slot', { process, slots: 0 })
      return head
    },
    async certificates({ process, unit = parts.computer.key, from_block: from = 0, limit = CERTIFICATES_PAGE }) {
      const feed = resultsFeed(await knownProcess(parts, process), unit)
      return readCertificates(parts, {
        process,
        unit,
        feed,
        from,
        limit: Math.min(limit, CERTIFICATES_PAGE),
      })
    },
  }
}

/** Each certificate is looked up with its signatures, so a page of them is short. */
const CERTIFICATES_PAGE = 100

/** Blocks from `from` on, to the end of the page in number or size. */
async function readBlocks(
  { log }: Pick<OperationParts, 'log'>,
  feed: FeedSpec,
  from: number,
  limit: number,
): Promise<{ length: number; blocks: Uint8Array[] }> {
  const length = await log.length(feed)
  const blocks: Uint8Array[] = []
  let sizeBytes = 0
  if (from >= length || limit === 0) return { length, blocks }
  for await (const block of log.blocks(feed, from, Math.min(length, from + limit))) {
    sizeBytes += block.length
    if (blocks.length > 0 && sizeBytes > PAGE_SIZE_MAX_BYTES) break
    blocks.push(block)
  }
  return { length, blocks }
}

interface SlotsRequest {
  readonly process: ProcessId
  readonly feed: FeedSpec
  readonly from: number
  readonly limit: number
}

async function readSlots(
  { log }: OperationParts,
  { process, feed, from, limit }: SlotsRequest,
): Promise<{ assignments: AssignmentView[]; next: number | undefined }> {
  const assignments: AssignmentView[] = []
  const start = await findFrame(log, feed, from)
  if (start === undefined || limit === 0) return { assignments, next: undefined }
  let [block, slot, sizeBytes] = [start.index, from, 0]
  for await (const bytes of log.blocks(feed, start.index)) {
    const frame = decodeFrame(bytes)
    sizeBytes += bytes.length
    if (assignments.length > 0 && sizeBytes > PAGE_SIZE_MAX_BYTES) return { assignments, next: slot }
    for (const assignment of frame.assignments.slice(slot - frame.firstSlot)) {
      if (assignments.length === limit) return { assignments, next: slot }
      assignments.push(showAssignment({ process, slot, block }, assignment))
      slot += 1
    }
    block += 1
  }
  return { assignments, next: undefined }
}

async function readCertificates(
  parts: OperationParts,
  { process, unit, feed, from, limit }: SlotsRequest & { readonly unit: KeyId },
): Promise<CertificatesView> {
  const { length, blocks } = await readBlocks(parts, feed, from, limit)
  const certificates: CertificatesView['certificates'][number][] = []
  for (const [index, certificate] of blocks.entries()) {
    const signatures = unit === parts.computer.key ? await signaturesOf(parts, process, certificate) : []
    certificates.push({ block: from + index, certificate, signatures })
  }
  return { unit, length, certificates }
}

async function signaturesOf(
  { computer }: OperationParts,
  process: ProcessId,
  certificateBytes: Uint8Array,
): Promise<readonly { unit: number; signature: Uint8Array }[]> {
  const { firstSlot } = decodeCertificate(certificateBytes)
  const { proof } = await computer.certified(process, firstSlot)
  return equalBytes(proof.certificateBytes, certificateBytes) ? proof.signatures : []
}
