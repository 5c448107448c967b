/** Evaluates long feeds of items and of pushes in this program, as a compute host would. */
import { type FrameOutcome, FrameResults, HostedProcess, type Verdict } from '../../compute-unit/index.ts'
import { hostCrypto, nativeCrypto, standardModules } from '../../node/index.ts'
import { actorRuntime } from '../../processes/index.ts'
import {
  asKeyId,
  asModuleId,
  certificateMessage,
  decodeCertificate,
  decodeEnvelope,
  decodeResult,
  describeModule,
  describeProcess,
  ed25519PublicKey,
  ed25519Sign,
  encodeCertificate,
  encodeEnvelope,
  encodeFrame,
  FRAME_ASSIGNMENTS_MAX,
  frameHash,
  GAS_PER_SLOT_MAX,
  installCrypto,
  keyId,
  parseDataItem,
  pathIn,
  type ProcessDescription,
  type Push,
  type PushProof,
} from '../../protocol/index.ts'
import { runProgram } from '../peer-programs/program.ts'
import { messageTo, signedItem } from '../rows/items.ts'

const SEED = new Uint8Array(32).fill(9)
const START_MS = 1_700_000_000_000
/** Slots of one certificate of the sender of pushes: as many as share a frame in a busy feed. */
const SENDER_FRAME = 64
/** A host serves for hours: what the engine compiles in its first second is no part of a rate. */
const WARM_UP_FRAMES = 60
/** Of an item, nothing has to be known about its sender. */
const ITEM: Verdict = { status: 'ok', sender: { owner: '', module: asModuleId('') } }

type Loaded = Parameters<typeof HostedProcess.open>[1]

interface Program {
  readonly module: string
  readonly loaded: Loaded
}

interface Feed {
  readonly frames: readonly Uint8Array[]
  readonly verdicts: readonly Verdict[]
}

installCrypto(nativeCrypto)
const unit = asKeyId(keyId(ed25519PublicKey(SEED)))

async function load(name: 'counter' | 'relay'): Promise<Program> {
  const standard = (await standardModules()).find(one => one.name === name)
  if (standard === undefined) throw new Error(`no module ${name}`)
  const tags = Object.fromEntries(standard.tags.map(tag => [tag.name, tag.value]))
  const module = describeModule(parseDataItem(signedItem({ Type: 'Module', ...tags }, undefined, standard.wasm)))
  const factory = actorRuntime.load(actorRuntime.prepare(module), module)
  const limits = { gasPerSlotMax: GAS_PER_SLOT_MAX }
  const { id, format, tags: moduleTags } = module
  const facts = { id, format, tags: moduleTags, stateForm: 'cells', refused: undefined } as const
  return { module: id, loaded: { ...facts, factory, limits } }
}

/** A new process and the envelope of its slot 0. */
function spawn({ module }: Program): { process: ProcessDescription; envelopeBytes: Uint8Array } {
  const item = signedItem({ Type: 'Process', Module: module, Scheduler: unit })
  const envelopeBytes = encodeEnvelope({ kind: 'item', item })
  return { process: describeProcess(decodeEnvelope(envelopeBytes)), envelopeBytes }
}

/** Opens the process and evaluates its spawn message. */
function open(program: Program, made: ReturnType<typeof spawn>): HostedProcess {
  const hosted = HostedProcess.open(made.process, program.loaded)
  hosted.evaluate(encodeFrame(0, [{ timestampMs: START_MS, envelopeBytes: made.envelopeBytes }]), [ITEM])
  return hosted
}

/** Frames of `count` envelopes each, from slot 1 on. */
function framesOf(envelopes: readonly Uint8Array[], count: number): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < envelopes.length; at += count) {
    const assignments = envelopes
      .slice(at, at + count)
      .map((envelopeBytes, i) => ({ timestampMs: START_MS + at + i, envelopeBytes }))
    frames.push(encodeFrame(1 + at, assignments))
  }
  return frames
}

/** Has a relay send one push for each message with these tags; each comes with its proof. */
function pushesFrom(
  relay: Program,
  tags: Record<string, string>,
  count: number,
): { readonly sender: ProcessDescription; readonly envelopes: Uint8Array[] } {
  const made = spawn(relay)
  const hosted = open(relay, made)
  const items = Array.from({ length: count }, () => messageTo(made.process.id, tags))
  const envelopes: Uint8Array[] = []
  const started = items.map(item => encodeEnvelope({ kind: 'item', item }))
  for (const frame of framesOf(started, SENDER_FRAME)) {
    const { firstSlot, resultsBytes, resultsRoot, stateRoot, gas } = hosted.evaluate(
      frame,
      Array.from({ length: SENDER_FRAME }, () => ITEM),
    )
    const { results, heads, tree } = new FrameResults(firstSlot, resultsBytes)
    const certificateBytes = encodeCertificate({
      process: made.process.id,
      firstSlot,
      count: results.length,
      frameHash: frameHash(frame),
      resultsRoot,
      stateRoot,
      gas,
    })
    const signature = ed25519Sign(SEED, certificateMessage(certificateBytes))
    for (const [i, bytes] of results.entries()) {
      const [push] = decodeResult(bytes).outbox
      const resultHead = heads[i]
      if (push === undefined || resultHead === undefined) throw new Error('a relay sent nothing')
      const proof: PushProof = {
        resultHead,
        outboxPath: [],
        resultPath: pathIn(tree, i),
        certificate: decodeCertificate(certificateBytes),
        certificateBytes,
        signatures: [{ unit: 0, signature }],
      }
      envelopes.push(envelopeOf(push, proof))
    }
  }
  return { sender: made.process, envelopes }
}

const envelopeOf = (push: Push, proof: PushProof): Uint8Array => encodeEnvelope({ kind: 'push', push, proof })

function feedOfPushes(relay: Program, target: ProcessDescription, tags: Record<string, string>, count: number): Feed {
  const { sender, envelopes } = pushesFrom(relay, { ...tags, Peer: target.id }, count)
  const verdict: Verdict = {
    status: 'ok',
    sender: { owner: unit, module: asModuleId(sender.module) },
  }
  return {
    frames: framesOf(envelopes, FRAME_ASSIGNMENTS_MAX),
    verdicts: Array.from({ length: FRAME_ASSIGNMENTS_MAX }, () => verdict),
  }
}

function feedOfItems(target: ProcessDescription, count: number): Feed {
  const items = Array.from({ length: count }, () => messageTo(target.id, { Action: 'Add', Quantity: '1' }))
  return {
    frames: framesOf(
      items.map(item => encodeEnvelope({ kind: 'item', item })),
      FRAME_ASSIGNMENTS_MAX,
    ),
    verdicts: Array.from({ length: FRAME_ASSIGNMENTS_MAX }, () => ITEM),
  }
}

/** Each slot must have ended well, and sent what it should. */
function check({ firstSlot, resultsBytes }: FrameOutcome, outbox: number): void {
  for (const bytes of new FrameResults(firstSlot, resultsBytes).results) {
    const { status, outbox: sent, error } = decodeResult(bytes)
    if (status !== 'ok') throw new Error(`a slot ended in ${status}: ${error?.message}`)
    if (sent.length !== outbox) throw new Error(`expected ${outbox} pushes, got ${sent.length}`)
  }
}

interface Measured {
  readonly name: string
  readonly hosted: HostedProcess
  readonly feed: Feed
  readonly outbox: number
}

function measure(make: () => Measured) {
  installCrypto(nativeCrypto)
  const { name, hosted, feed, outbox } = make()
  // From here on hashes are a host's own: it has no native addons.
  installCrypto(hostCrypto)
  const timed = feed.frames.slice(WARM_UP_FRAMES)
  for (const frame of feed.frames.slice(0, WARM_UP_FRAMES)) check(hosted.evaluate(frame, feed.verdicts), outbox)
  const before = process.cpuUsage()
  const start = performance.now()
  let [slots, last] = [0, hosted.slots]
  for (const frame of timed) {
    slots += hosted.evaluate(frame, feed.verdicts).count
    if (hosted.slots !== last + FRAME_ASSIGNMENTS_MAX) throw new Error('slots are missing')
    last = hosted.slots
  }
  const seconds = (performance.now() - start) / 1_000
  const { user, system } = process.cpuUsage(before)
  return { name, slotsPerSecond: slots / seconds, cpuUsPerSlot: (user + system) / slots }
}

await runProgram<{ readonly frames: number }>(async ({ frames }) => {
  const [counter, relay] = [await load('counter'), await load('relay')]
  const count = (frames + WARM_UP_FRAMES) * FRAME_ASSIGNMENTS_MAX
  // One feed after the other, so that only what is measured is in memory.
  const items = (): Measured => {
    const made = spawn(counter)
    const feed = feedOfItems(made.process, count)
    return { name: 'items to a counter', hosted: open(counter, made), feed, outbox: 0 }
  }
  const pushes = (name: string, action: string, outbox: number): Measured => {
    const made = spawn(relay)
    const feed = feedOfPushes(relay, made.process, { Action: action }, count)
    return { name, hosted: open(relay, made), feed, outbox }
  }
  return [
    measure(items),
    measure(() => pushes('pushes to a relay', 'Fan-Out', 0)),
    measure(() => pushes('pushes that a relay answers', 'Start', 1)),
  ]
})
