import { PEER_BLOCKS_MAX } from './limits.ts'
import { cborCodec, type PeerCodec, readCount, readMaybe, writeMaybe } from './peer-operation.ts'

/** Bytes, or null. */
export const maybeBytesCodec: PeerCodec<Uint8Array | undefined> = cborCodec(writeMaybe, readMaybe)

/** `[block, …]`. */
export const blocksCodec: PeerCodec<readonly Uint8Array[]> = cborCodec(
  (writer, blocks) => {
    writer.array(blocks.length)
    for (const block of blocks) writer.bytes(block)
  },
  reader => Array.from({ length: readCount(reader, PEER_BLOCKS_MAX) }, () => reader.bytes()),
)

/** Bytes as they are. */
export const rawCodec: PeerCodec<Uint8Array> = { encode: bytes => bytes, decode: bytes => bytes }
