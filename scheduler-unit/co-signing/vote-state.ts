import {
  CborReader,
  CborWriter,
  MalformedBytes,
  type Proposal,
  readHash,
  readProposal,
  readSmall,
  writeProposal,
} from '../../protocol/index.ts'

/** A head that this scheduler signed: the only one it signs for that base, and for that length. */
export interface SignedHead {
  readonly base: number
  readonly length: number
  /** Of the tree, 32 bytes. */
  readonly hash: Uint8Array
}

/** What one scheduler has promised and accepted. A block of its feed of votes holds all of it, so the last one counts. */
export interface VoteState {
  /** Nothing of earlier views is accepted. */
  readonly view: number
  /** The last proposal that was accepted. */
  readonly accepted: Proposal | undefined
  /** The last head that was signed. */
  readonly signed: SignedHead | undefined
}

export const NO_VOTES: VoteState = { view: 0, accepted: undefined, signed: undefined }

/**
 * Whether a head may be signed after what was signed before: it is that very head, or stands on a settled feed that is at
 * least as long. So no two heads are ever signed for one base, nor for one length.
 */
export function mayBeSigned(signed: SignedHead | undefined, head: SignedHead): boolean {
  if (signed === undefined || head.base >= signed.length) return true
  const isSame = head.base === signed.base && head.length === signed.length
  return isSame && head.hash.every((byte, at) => byte === signed.hash[at])
}

export function encodeVoteState({ view, accepted, signed }: VoteState): Uint8Array {
  const writer = new CborWriter()
  writer.array(3)
  writer.uint(view)
  if (accepted === undefined) writer.null()
  else writeProposal(writer, accepted)
  if (signed === undefined) writer.null()
  else {
    writer.array(3)
    writer.uint(signed.base)
    writer.uint(signed.length)
    writer.bytes(signed.hash)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeVoteState(bytes: Uint8Array): VoteState {
  const reader = new CborReader(bytes)
  if (reader.array() !== 3) throw new MalformedBytes('votes: expected 3 fields', 0)
  const view = readSmall(reader)
  const accepted = absent(reader) ? undefined : readProposal(reader)
  const signed = absent(reader) ? undefined : readSigned(reader)
  reader.end()
  return { view, accepted, signed }
}

function readSigned(reader: CborReader): SignedHead {
  if (reader.array() !== 3) throw new MalformedBytes('votes: expected 3 fields', reader.offset)
  return { base: readSmall(reader), length: readSmall(reader), hash: readHash(reader) }
}

function absent(reader: CborReader): boolean {
  if (!reader.isNull()) return false
  reader.null()
  return true
}
