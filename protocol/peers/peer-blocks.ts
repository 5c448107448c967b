import { PEER_BLOCKS_MAX } from '../limits/limits.ts'
import type { SignedBlocks } from '../feeds/log-port.ts'
import { cborCodec, expectFields, type PeerCodec, readCount, readMaybe, writeMaybe } from './peer-operation.ts'
import { readHash, readSmall } from '../process/push.ts'

/** Bytes, or null. */
export const maybeBytesCodec: PeerCodec<Uint8Array | undefined> = cborCodec(writeMaybe, readMaybe)

/** `[from, [block, …], [length, signature], [[leaves, bytes, hash], …]]`, or null if there are no more. */
export const signedBlocksCodec: PeerCodec<SignedBlocks | undefined> = cborCodec(
  (writer, piece) => {
    if (piece === undefined) return writer.null()
    writer.array(4)
    writer.uint(piece.from)
    writer.array(piece.blocks.length)
    for (const block of piece.blocks) writer.bytes(block)
    writer.array(2)
    writer.uint(piece.head.length)
    writer.bytes(piece.head.signature)
    writer.array(piece.rest.length)
    for (const { leaves, sizeBytes, hash } of piece.rest) {
      writer.array(3)
      writer.uint(leaves)
      writer.uint(sizeBytes)
      writer.bytes(hash)
    }
  },
  reader => {
    if (reader.isNull()) return reader.null() ?? undefined
    expectFields(reader, 4)
    const from = readSmall(reader)
    const blocks = Array.from({ length: readCount(reader, PEER_BLOCKS_MAX) }, () => reader.bytes())
    expectFields(reader, 2)
    const head = { length: readSmall(reader), signature: reader.bytes() }
    const rest = Array.from({ length: readCount(reader, SUBTREES_MAX) }, () => {
      expectFields(reader, 3)
      return { leaves: readSmall(reader), sizeBytes: readSmall(reader), hash: readHash(reader) }
    })
    return { from, blocks, head, rest }
  },
)

/** As many as a length has bits, and some. */
const SUBTREES_MAX = 128

/** Bytes as they are. */
export const rawCodec: PeerCodec<Uint8Array> = { encode: bytes => bytes, decode: bytes => bytes }
