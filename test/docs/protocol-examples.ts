import { CellTree } from '../../compute-unit/evaluation/cell-tree.ts'
import { encodeLifecycle } from '../../compute-unit/evaluation/index.ts'
import { keyOf } from '../../log/feeds/feed-manifest.ts'
import {
  asKeyId,
  asMessageId,
  asModuleId,
  asProcessId,
  CborWriter,
  childId,
  controlTags,
  domainHash,
  EMPTY_ROOT,
  encodeCertificate,
  encodeEnvelope,
  encodeFrame,
  encodeResult,
  frameHash,
  leafHash,
  makePush,
  merkleRoot,
  placeId,
  pushId,
  type Result,
  sha256,
  signDataItemSync,
  toBase64Url,
  toHex,
} from '../../protocol/index.ts'

const idOf = (byte: number): string => toBase64Url(new Uint8Array(32).fill(byte))
const P = asProcessId(idOf(0x11))
const Q = asProcessId(idOf(0x22))
const M = asModuleId(idOf(0x66))

/** The worked examples of docs/PROTOCOL.md, by name: bytes in hex, ids in base64url. */
export function protocolExamples(): Readonly<Record<string, string>> {
  const push = makePush(
    { from: P, slot: 7, index: 0, seq: 3, to: Q, depth: 1, fuel: 999_999_979_420n, origin: asMessageId(idOf(0x33)) },
    { kind: 'message', tags: [{ name: 'Action', value: 'Ping' }], data: new Uint8Array([1, 2]), anchor: undefined },
  )
  const tick = encodeEnvelope({ kind: 'tick', timer: new Uint8Array([0x61]), dueMs: 1_700_000_000_000 })
  const frame = encodeFrame(7, [{ timestampMs: 1_700_000_000_005, envelopeBytes: tick }])
  const result: Result = {
    slot: 7,
    message: new Uint8Array(32).fill(0x77),
    status: 'ok',
    gas: 20_580n,
    error: undefined,
    output: new Uint8Array([0x35]),
    log: '',
    outbox: [push],
    assigns: [],
    dropped: [],
  }
  const { head, bytes } = encodeResult(result)
  const resultsRoot = merkleRoot([leafHash(head)])
  const cells = new CellTree()
  cells.put(new Uint8Array([0x75, 0x61]), new Uint8Array([1]))
  cells.put(new Uint8Array([0x75, 0x62]), new Uint8Array([2]))
  const stateRoot = stateRootOf(cells.root(), domainHash('atoll/log/1', domainHash('atoll/frame/1', frame)))
  const certificate = encodeCertificate({
    process: P,
    firstSlot: 7,
    count: 1,
    frameHash: frameHash(frame),
    resultsRoot,
    stateRoot,
    gas: 20_580n,
  })
  return {
    'push body': toHex(push.bodyBytes),
    'push core': toHex(push.coreBytes),
    'push id': pushId(push.coreBytes),
    'child id': childId(P, 7, 0),
    'place id': placeId(P, 7),
    'tick envelope': toHex(tick),
    frame: toHex(frame),
    'frame hash': toHex(frameHash(frame)),
    'result head': toHex(head),
    result: toHex(bytes),
    'results root': toHex(resultsRoot),
    'cells root': toHex(cells.root()),
    'state root': toHex(stateRoot),
    certificate: toHex(certificate),
    'control item': toHex(
      signDataItemSync(
        {
          target: P,
          tags: [
            { name: 'Data-Protocol', value: 'ao' },
            { name: 'Type', value: 'Control' },
            ...controlTags({ action: 'Upgrade', module: M, pending: 'wait', keeps: true }),
          ],
          data: '',
        },
        new Uint8Array(32).fill(0x55),
      ).bytes,
    ),
    'lifecycle cell': toHex(
      encodeLifecycle({
        module: M,
        since: 9,
        changes: [{ module: M, slot: 8 }],
        snapshots: [{ name: '@8', slot: 8, module: asModuleId(Q), sizeBytes: 26, isAutomatic: true }],
      }),
    ),
    'feed key': toHex(keyOf({ kind: 'messages', process: P, epoch: 0, signers: [asKeyId(idOf(0x44))], quorum: 1 })),
  }
}

/** A process of empty memory and engine state, after 8 slots. */
function stateRootOf(cellsRoot: Uint8Array, logHash: Uint8Array): Uint8Array {
  const writer = new CborWriter()
  writer.array(6)
  writer.bytes(EMPTY_ROOT)
  writer.uint(0)
  writer.bytes(sha256(new Uint8Array(0)))
  writer.bytes(cellsRoot)
  writer.bytes(logHash)
  writer.uint(8)
  return domainHash('atoll/state/1', writer.finish())
}
