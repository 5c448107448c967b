import { fromBase64Url, MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { ed25519Sign, ed25519Verify } from '../crypto/crypto.ts'
import { type FeedTree, feedKey } from '../feeds/feed-head.ts'
import { asProcessId, type KeyId, type ProcessId } from '../ids.ts'
import { CO_SIGNED_BLOCKS_MAX } from '../limits/limits.ts'
import { domainHash } from '../crypto/merkle.ts'
import type { CallOptions, FeedHead, FeedSpec } from '../ports.ts'
import { readId, readSmall } from '../process/push.ts'

/** Blocks that a leader wants to stand behind a settled feed of `base` blocks. */
export interface Proposal {
  readonly view: number
  readonly base: number
  readonly blocks: readonly Uint8Array[]
}

/**
 * What the schedulers of one process ask each other (docs/decisions/0023). `head` and `settled` are heads with all their
 * signatures; requests that change what a scheduler has promised are signed by the leader of their view.
 *
 * - propose: accept these blocks, and sign the head they give. `holders`: how many are known to have accepted them.
 * - lead: promise to take nothing of views before this one. `spawn`: the envelope of slot 0, if the feed is empty yet.
 * - settle: the feed has this head now. - ask: how far are you?
 */
export type CoSignRequest = { readonly process: ProcessId; readonly epoch: number } & (
  | (Proposal & {
      readonly kind: 'propose'
      readonly settled: FeedHead | undefined
      readonly holders: number
      readonly signature: Uint8Array
    })
  | {
      readonly kind: 'lead'
      readonly view: number
      readonly spawn: Uint8Array | undefined
      readonly signature: Uint8Array
    }
  | { readonly kind: 'settle'; readonly head: FeedHead }
  | { readonly kind: 'ask' }
)

/**
 * - signed: accepted, with a signature over the head. - held: accepted, not signed, as too few are known to have.
 * - follows: promised; `accepted` is what may have been signed before. - has: the present view and head.
 * - superseded: a later view was promised. - refused: something in it does not hold.
 */
export type CoSignAnswer =
  | { readonly kind: 'signed'; readonly signature: Uint8Array }
  | { readonly kind: 'held' }
  | { readonly kind: 'follows'; readonly head: FeedHead | undefined; readonly accepted: Proposal | undefined }
  | { readonly kind: 'has'; readonly view: number; readonly head: FeedHead | undefined }
  | { readonly kind: 'superseded'; readonly view: number }
  | { readonly kind: 'refused'; readonly reason: string }

/** The other schedulers of a process, as one of them reaches them. */
export interface CoSigners {
  /** @throws {Failure} `unreachable`, `timeout` */
  coSign(scheduler: KeyId, request: CoSignRequest, options?: CallOptions): Promise<CoSignAnswer>
}

/** What a leader signs to propose: feed, view, base, and length and hash of the tree with its blocks. */
export function signProposal(feed: FeedSpec, view: number, base: number, tree: FeedTree, seed: Uint8Array): Uint8Array {
  return ed25519Sign(seed, proposalMessage(feed, view, base, tree))
}

export function proposalHolds(
  feed: FeedSpec,
  { view, base }: Proposal,
  tree: FeedTree,
  signature: Uint8Array,
): boolean {
  return leaderHolds(feed, view, proposalMessage(feed, view, base, tree), signature)
}

/** What a scheduler signs to lead a view. */
export function signLead(feed: FeedSpec, view: number, seed: Uint8Array): Uint8Array {
  return ed25519Sign(seed, leadMessage(feed, view))
}

export function leadHolds(feed: FeedSpec, view: number, signature: Uint8Array): boolean {
  return leaderHolds(feed, view, leadMessage(feed, view), signature)
}

/** Whose turn it is to lead in a view. */
export function leaderOf({ signers }: Pick<FeedSpec, 'signers'>, view: number): KeyId | undefined {
  return signers[view % signers.length]
}

function leaderHolds(feed: FeedSpec, view: number, message: Uint8Array, signature: Uint8Array): boolean {
  const key = leaderOf(feed, view)
  return key !== undefined && ed25519Verify(fromBase64Url(key), message, signature)
}

function proposalMessage(feed: FeedSpec, view: number, base: number, tree: FeedTree): Uint8Array {
  const writer = new CborWriter()
  writer.array(5)
  writer.bytes(feedKey(feed))
  for (const number of [view, base, tree.length]) writer.uint(number)
  writer.bytes(tree.hash())
  return writer.lend(proposal => domainHash('atoll/propose/1', proposal))
}

function leadMessage(feed: FeedSpec, view: number): Uint8Array {
  const writer = new CborWriter()
  writer.array(2)
  writer.bytes(feedKey(feed))
  writer.uint(view)
  return writer.lend(lead => domainHash('atoll/lead/1', lead))
}

const REQUESTS = ['propose', 'lead', 'settle', 'ask'] as const
const ANSWERS = ['signed', 'held', 'follows', 'has', 'superseded', 'refused'] as const

export function encodeCoSignRequest(request: CoSignRequest): Uint8Array {
  const writer = new CborWriter()
  writer.array(4)
  writer.uint(REQUESTS.indexOf(request.kind))
  writer.base64Url(request.process)
  writer.uint(request.epoch)
  switch (request.kind) {
    case 'propose':
      writer.array(4)
      writeProposal(writer, request)
      writeHead(writer, request.settled)
      writer.uint(request.holders)
      writer.bytes(request.signature)
      break
    case 'lead':
      writer.array(3)
      writer.uint(request.view)
      if (request.spawn === undefined) writer.null()
      else writer.bytes(request.spawn)
      writer.bytes(request.signature)
      break
    case 'settle':
      writeHead(writer, request.head)
      break
    case 'ask':
      writer.null()
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeCoSignRequest(bytes: Uint8Array): CoSignRequest {
  const reader = new CborReader(bytes)
  expect(reader, 4)
  const kind = REQUESTS[readSmall(reader)]
  const place = { process: asProcessId(readId(reader)), epoch: readSmall(reader) }
  const request = readRequest(reader, kind)
  reader.end()
  return { ...place, ...request }
}

type Body<T> = T extends unknown ? Omit<T, 'process' | 'epoch'> : never

function readRequest(reader: CborReader, kind: CoSignRequest['kind'] | undefined): Body<CoSignRequest> {
  switch (kind) {
    case 'propose': {
      expect(reader, 4)
      const proposal = readProposal(reader)
      return { kind, ...proposal, settled: readHead(reader), holders: readSmall(reader), signature: reader.bytes() }
    }
    case 'lead':
      expect(reader, 3)
      return {
        kind,
        view: readSmall(reader),
        spawn: readMaybe(reader, () => reader.bytes()),
        signature: reader.bytes(),
      }
    case 'settle': {
      const head = readHead(reader)
      if (head === undefined) throw new MalformedBytes('settle: expected a head', reader.offset)
      return { kind, head }
    }
    case 'ask':
      reader.null()
      return { kind }
    case undefined:
      throw new MalformedBytes('unknown kind of request', reader.offset)
  }
}

export function encodeCoSignAnswer(answer: CoSignAnswer): Uint8Array {
  const writer = new CborWriter()
  writer.array(3)
  writer.uint(ANSWERS.indexOf(answer.kind))
  switch (answer.kind) {
    case 'signed':
      writer.bytes(answer.signature)
      writer.null()
      break
    case 'held':
      writer.null()
      writer.null()
      break
    case 'follows':
      writeHead(writer, answer.head)
      if (answer.accepted === undefined) writer.null()
      else writeProposal(writer, answer.accepted)
      break
    case 'has':
      writer.uint(answer.view)
      writeHead(writer, answer.head)
      break
    case 'superseded':
      writer.uint(answer.view)
      writer.null()
      break
    case 'refused':
      writer.text(answer.reason)
      writer.null()
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeCoSignAnswer(bytes: Uint8Array): CoSignAnswer {
  const reader = new CborReader(bytes)
  expect(reader, 3)
  const answer = readAnswer(reader, ANSWERS[readSmall(reader)])
  if (answer.kind !== 'follows' && answer.kind !== 'has') reader.null()
  reader.end()
  return answer
}

function readAnswer(reader: CborReader, kind: CoSignAnswer['kind'] | undefined): CoSignAnswer {
  switch (kind) {
    case 'signed':
      return { kind, signature: reader.bytes() }
    case 'held':
      reader.null()
      return { kind }
    case 'follows':
      return { kind, head: readHead(reader), accepted: readMaybe(reader, () => readProposal(reader)) }
    case 'has':
      return { kind, view: readSmall(reader), head: readHead(reader) }
    case 'superseded':
      return { kind, view: readSmall(reader) }
    case 'refused':
      return { kind, reason: reader.text() }
    case undefined:
      throw new MalformedBytes('unknown kind of answer', reader.offset)
  }
}

export function writeProposal(writer: CborWriter, { view, base, blocks }: Proposal): void {
  writer.array(3)
  writer.uint(view)
  writer.uint(base)
  writer.array(blocks.length)
  for (const block of blocks) writer.bytes(block)
}

/** @throws {MalformedBytes} */
export function readProposal(reader: CborReader): Proposal {
  expect(reader, 3)
  const [view, base, count] = [readSmall(reader), readSmall(reader), reader.array()]
  if (count < 1 || count > CO_SIGNED_BLOCKS_MAX)
    throw new MalformedBytes('proposal: bad number of blocks', reader.offset)
  return { view, base, blocks: Array.from({ length: count }, () => reader.bytes()) }
}

function writeHead(writer: CborWriter, head: FeedHead | undefined): void {
  if (head === undefined) return writer.null()
  writer.array(2)
  writer.uint(head.length)
  writer.bytes(head.signature)
}

function readHead(reader: CborReader): FeedHead | undefined {
  return readMaybe(reader, () => {
    expect(reader, 2)
    return { length: readSmall(reader), signature: reader.bytes() }
  })
}

function readMaybe<T>(reader: CborReader, read: () => T): T | undefined {
  if (!reader.isNull()) return read()
  reader.null()
  return undefined
}

function expect(reader: CborReader, fields: number): void {
  if (reader.array() !== fields) throw new MalformedBytes(`expected ${fields} fields`, reader.offset)
}
