import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { equalBytes, Failure, feedName, type NewBlock } from '../../protocol/index.ts'
import { diskFailure } from '../disk-failure.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'
import {
  decodeHeader,
  encodeGroup,
  encodeHeader,
  type FeedNumbers,
  HEADER_SIZE_BYTES,
  marksOf,
  type NamedBlock,
  readSegment,
  type SegmentMarks,
} from './journal-format.ts'

/** A block that the journal held when it was opened, and the segment it stands in. */
export interface JournalledBlock {
  readonly block: NewBlock
  readonly generation: number
}

interface LiveSegment {
  readonly generation: number
  readonly marks: SegmentMarks
  readonly file: JournalFile
  readonly feeds: FeedNumbers
  size: number
  /** What it began with. */
  readonly keptBytes: number
}

/** What every new segment begins with. */
export interface Carried {
  /** The blocks, for a segment that is begun now; `stand` is called once they stand in it, durable. */
  begin(): { readonly blocks: readonly NamedBlock[]; readonly stand: () => void }
}

export interface JournalParts {
  readonly files: JournalFiles
  /** Absolute. */
  readonly folder: string
  /** 16 bytes; a journal of another folder is refused. */
  readonly folderId: Uint8Array
  readonly segmentBytes: number
}

/**
 * The blocks that were acknowledged and may not yet be safe in their feeds. One writer; what `append`
 * has resolved survives power loss. After a failed write or sync the segment is given up: whether its last
 * group stands on the disk cannot be known, so the next segment says that it does not count.
 */
export class Journal implements AsyncDisposable {
  /** Generations that were on disk when it was opened, ascending. */
  readonly found: readonly number[]
  /** Groups made durable since it was opened: one fdatasync each. */
  groups = 0
  readonly #parts: JournalParts
  #blocks: readonly JournalledBlock[]
  /** Generations on disk, ascending, the live one included. */
  readonly #generations: number[]
  #live: LiveSegment | undefined
  #carried: Carried | undefined
  #sequence = 0
  #sealed = true
  #previousEnd: number
  #last: number

  private constructor(parts: JournalParts, read: ReadJournal) {
    this.#parts = parts
    this.#blocks = read.blocks
    this.found = [...read.generations]
    this.#generations = read.generations
    this.#previousEnd = read.end
    this.#last = read.generations.at(-1) ?? 0
  }

  /**
   * Reads what there is; nothing is written until `start`.
   * @throws {Failure} `data-folder-damaged` when something that was acknowledged cannot be read
   */
  static async open(parts: JournalParts): Promise<Journal> {
    await parts.files.makeFolder(parts.folder)
    return new Journal(parts, await readAll(parts))
  }

  /** What stood in the journal when it was opened, oldest first. Given once: it may be all of several segments. */
  takeBlocks(): readonly JournalledBlock[] {
    const blocks = this.#blocks
    this.#blocks = []
    return blocks
  }

  /** Has every new segment begin with something. */
  carry(carried: Carried): void {
    this.#carried = carried
  }

  /** What a segment has of one feed, by its name. @throws {Failure} if it cannot be read */
  async blocksOf(generation: number, name: string): Promise<readonly JournalledBlock[]> {
    const bytes = await this.#parts.files.read(pathOf(this.#parts.folder, generation))
    const header = decodeHeader(bytes)
    if (header === undefined) throw damaged(generation, 'its header cannot be read')
    const { blocks } = readSegment(bytes, header, 0)
    return blocks.filter(({ feed }) => feedName(feed) === name).map(block => ({ block, generation }))
  }

  /** The segment that is being written to; 0 before there is one. */
  get generation(): number {
    return this.#last
  }

  /** Whether a group has been written since the last seal. */
  get sealed(): boolean {
    return this.#sealed
  }

  /** Begins a new segment. @throws {Failure} `disk-full`, `disk-fault` */
  async rotate(): Promise<void> {
    await this.#retire()
    const { files, folder, folderId } = this.#parts
    const generation = this.#last + 1
    const marks = marksOf(randomBytes(4).readUInt32LE())
    const path = pathOf(folder, generation)
    const carried = this.#carried?.begin()
    const feeds: FeedNumbers = new Map()
    const first =
      carried === undefined || carried.blocks.length === 0 ? [] : encodeGroup(0, carried.blocks, feeds, marks)
    const keptBytes = first.reduce((sum, chunk) => sum + chunk.length, 0)
    try {
      const file = await files.create(path)
      try {
        const header = encodeHeader({ ...marks, generation, previousEnd: this.#previousEnd, folder: folderId })
        await file.append([header, ...first])
        await file.datasync()
        await files.syncFolder(folder)
      } catch (error) {
        await file.close().catch(() => undefined)
        // Without a whole header it would be in the way of the next try under this name.
        await files.remove(path).catch(() => undefined)
        throw error
      }
      this.#live = { generation, marks, file, feeds, size: HEADER_SIZE_BYTES + keptBytes, keptBytes }
    } catch (error) {
      throw diskFailure(error, 'journal')
    }
    this.#last = generation
    this.#generations.push(generation)
    this.#sequence = keptBytes === 0 ? 0 : 1
    this.#sealed = keptBytes === 0
    carried?.stand()
  }

  /** Makes one group durable; gives the segment it stands in. @throws {Failure} `disk-full`, `disk-fault` */
  async append(blocks: readonly NamedBlock[]): Promise<number> {
    const written = this.#live && this.#live.size - this.#live.keptBytes
    if (written === undefined || written >= this.#parts.segmentBytes) await this.rotate()
    const live = this.#live
    if (live === undefined) throw new Failure('internal', {}, { note: 'no segment after rotation' })
    const chunks = encodeGroup(this.#sequence, blocks, live.feeds, live.marks)
    try {
      await live.file.append(chunks)
      await live.file.datasync()
    } catch (error) {
      await this.#retire()
      throw diskFailure(error, 'journal')
    }
    live.size += chunks[0].length + chunks[1].length
    this.#sequence++
    this.#sealed = false
    this.groups++
    return live.generation
  }

  /**
   * Writes a seal, not synced: were the last group damaged later on, it would not pass for a torn write.
   * Must not run beside `append`.
   */
  async seal(): Promise<void> {
    const live = this.#live
    if (live === undefined || this.#sealed) return
    const chunks = encodeGroup(this.#sequence, [], live.feeds, live.marks)
    try {
      await live.file.append(chunks)
    } catch {
      // Half a seal may stand there now, so nothing may come after it.
      await this.#retire()
      return
    }
    live.size += chunks[0].length + chunks[1].length
    this.#sequence++
    this.#sealed = true
  }

  /** Removes all segments up to and including `generation`, never the live one. */
  async drop(generation: number): Promise<void> {
    const { files, folder } = this.#parts
    let oldest = this.#generations[0]
    while (oldest !== undefined && oldest <= generation && oldest !== this.#last) {
      await files.remove(pathOf(folder, oldest))
      this.#generations.shift()
      oldest = this.#generations[0]
    }
    await files.syncFolder(folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.seal()
    const live = this.#live
    await live?.file.datasync()
    await this.#retire()
  }

  async #retire(): Promise<void> {
    const live = this.#live
    if (live === undefined) return
    this.#live = undefined
    this.#previousEnd = live.size
    await live.file.close().catch(() => undefined)
  }
}

interface ReadJournal {
  readonly blocks: readonly JournalledBlock[]
  readonly generations: number[]
  /** Acknowledged size of the last segment. */
  readonly end: number
}

async function readAll({ files, folder, folderId }: JournalParts): Promise<ReadJournal> {
  const names = await files.list(folder)
  const generations = names.flatMap(name => generationOf(name) ?? []).sort((a, b) => a - b)
  const segments: FoundSegment[] = []
  for (const [at, generation] of generations.entries()) {
    const bytes = await files.read(pathOf(folder, generation))
    const header = decodeHeader(bytes)
    if (header === undefined && at === generations.length - 1 && bytes.length <= HEADER_SIZE_BYTES) {
      // The write of a header was cut short; nothing came after it.
      await files.remove(pathOf(folder, generation))
      generations.pop()
      break
    }
    if (header?.generation !== generation) throw damaged(generation, 'its header cannot be read')
    if (!equalBytes(header.folder, folderId)) throw damaged(generation, 'it belongs to another folder')
    const before = segments.at(-1)
    if (before !== undefined && before.generation !== generation - 1) {
      throw damaged(generation - 1, 'it is missing')
    }
    segments.push({ ...header, bytes })
  }
  return { generations, ...readSegments(segments) }
}

interface FoundSegment extends SegmentMarks {
  readonly generation: number
  readonly bytes: Uint8Array
  readonly previousEnd: number
}

function readSegments(segments: readonly FoundSegment[]): { blocks: readonly JournalledBlock[]; end: number } {
  const blocks: JournalledBlock[] = []
  let end = 0
  for (const [at, { generation, bytes, ...marks }] of segments.entries()) {
    const next = segments[at + 1]
    const acknowledged = next === undefined ? bytes : bytes.subarray(0, next.previousEnd)
    const content = readSegment(acknowledged, marks, 0)
    if (content.damaged) throw damaged(generation, 'an acknowledged group cannot be read')
    if (next !== undefined && content.end !== next.previousEnd) throw damaged(generation, 'it is cut short')
    for (const block of content.blocks) blocks.push({ block, generation })
    end = content.end
  }
  return { blocks, end }
}

function damaged(generation: number, note: string): Failure {
  return new Failure('data-folder-damaged', { segment: generation }, { note: `journal: ${note}` })
}

function pathOf(folder: string, generation: number): string {
  return join(folder, `${String(generation).padStart(10, '0')}.journal`)
}

function generationOf(name: string): number | undefined {
  const match = /^(\d{10})\.journal$/.exec(name)
  return match === null ? undefined : Number(match[1])
}
