import {
  asKeyId,
  asMessageId,
  asModuleId,
  asProcessId,
  certificateMessage,
  decodeCertificate,
  ed25519PublicKey,
  ed25519Sign,
  encodeCertificate,
  encodeResult,
  keyId,
  leafHash,
  makePush,
  merklePath,
  merkleRoot,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type PushCore,
  type PushProof,
  type Result,
  type Slot,
  toHex,
} from '../../protocol/index.ts'
import { seedOf, tagsOf } from './signed-items.ts'
import { fakeId } from './guest-context.ts'

/** Key of who signs with `seedOf(number)`. */
export const keyOf = (number: number): ReturnType<typeof asKeyId> => asKeyId(keyId(ed25519PublicKey(seedOf(number))))

type Envelope = { readonly kind: 'push'; readonly push: Push; readonly proof: PushProof }

/** A process that exists in signatures only: its compute units are keys in this test, so it can say anything. */
export class PaperProcess {
  readonly description: ProcessDescription
  readonly #units: readonly number[]
  readonly #seqs = new Map<ProcessId, number>()
  #slot = 1

  constructor(id: ProcessId, units: readonly number[], quorum: number) {
    this.#units = units
    this.description = {
      id,
      module: asModuleId(fakeId(4)),
      policy: {
        schedulers: [keyOf(1)],
        schedulerQuorum: 1,
        computeUnits: units.map(keyOf),
        computeQuorum: quorum,
      },
      epoch: 0,
      owner: fakeId(3),
      parent: undefined,
      tags: [],
      data: new Uint8Array(0),
    }
  }

  get id(): ProcessId {
    return this.description.id
  }

  /** A push to `to` with the next seq. */
  push(
    to: ProcessId,
    parts: Partial<PushCore> & { body?: string; slot?: Slot; index?: number; action?: string } = {},
  ): Push {
    const { body = '', action = 'Note', ...core } = parts
    const seq = core.seq ?? this.#seqs.get(to) ?? 0
    this.#seqs.set(to, seq + 1)
    const whole = {
      from: this.id,
      slot: this.#slot,
      index: 0,
      seq,
      to,
      depth: 1,
      fuel: 1_000_000_000n,
      origin: asMessageId(fakeId(9)),
      ...core,
    }
    return makePush(whole, {
      kind: 'message',
      tags: tagsOf({ Action: action }),
      data: new TextEncoder().encode(body),
      anchor: undefined,
    })
  }

  /** Pushes with certificates, each the only one of a slot of its own. */
  envelopes(to: ProcessId, count: number, parts: { action?: string } = {}): Envelope[] {
    return Array.from({ length: count }, () => {
      const push = this.push(to, { slot: this.#slot, ...parts })
      const [envelope] = this.certify([[push]])
      if (envelope === undefined) throw new TypeError('expected an envelope')
      return envelope
    })
  }

  /** Certifies consecutive slots, each with its outbox, in one certificate; `signers` are positions in the policy. */
  certify(outboxes: readonly (readonly Push[])[], signers?: readonly number[]): Envelope[] {
    const firstSlot = this.#slot
    this.#slot += outboxes.length
    const results = outboxes.map((outbox, i) => encodeResult(resultOf(firstSlot + i, outbox)))
    const leaves = results.map(({ head }) => leafHash(head))
    const certificateBytes = encodeCertificate({
      process: this.id,
      firstSlot,
      count: results.length,
      frameHash: new Uint8Array(32).fill(1),
      resultsRoot: merkleRoot(leaves),
      stateRoot: new Uint8Array(32).fill(2),
      gas: 1n,
    })
    const signatures = this.sign(certificateBytes, signers)
    return outboxes.flatMap((outbox, i) =>
      outbox.map((push, index) => ({
        kind: 'push' as const,
        push,
        proof: {
          resultHead: results[i]?.head ?? new Uint8Array(0),
          outboxPath: merklePath(
            outbox.map(one => leafHash(one.coreBytes)),
            index,
          ),
          resultPath: merklePath(leaves, i),
          certificate: decodeCertificate(certificateBytes),
          certificateBytes,
          signatures,
        },
      })),
    )
  }

  sign(certificateBytes: Uint8Array, signers?: readonly number[]): { unit: number; signature: Uint8Array }[] {
    const quorum = Array.from({ length: this.description.policy.computeQuorum }, (_, i) => i)
    return (signers ?? quorum).map(unit => ({
      unit,
      signature: ed25519Sign(seedOf(this.#units[unit] ?? 250), certificateMessage(certificateBytes)),
    }))
  }

  /** What its compute units sign with. */
  get unitSeeds(): Uint8Array[] {
    return this.#units.map(seedOf)
  }

  get slot(): Slot {
    return this.#slot
  }
}

function resultOf(slot: Slot, outbox: readonly Push[]): Result {
  return {
    slot,
    message: undefined,
    status: 'ok',
    gas: 1n,
    error: undefined,
    output: new Uint8Array(0),
    log: '',
    outbox,
    assigns: [],
    dropped: [],
  }
}

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))

/**
 * Pushes from `sender` to `to` that must not be believed, by what is wrong with them. All want the seq that is next,
 * 0, so only the certificate stands between them and their effect. `stranger` is another process.
 */
export function forgeries(sender: PaperProcess, stranger: PaperProcess, to: ProcessId): Map<string, Envelope> {
  const elsewhere = asProcessId(fakeId(77))
  const ask = { seq: 0, action: 'Echo' }
  const base = sender.slot
  const outbox = [
    sender.push(to, { ...ask, slot: base, index: 0 }),
    ...Array.from({ length: 17 }, (_, i) => sender.push(elsewhere, { slot: base, index: i + 1 })),
  ]
  const all = sender.certify([
    outbox,
    [sender.push(elsewhere, { slot: base + 1 })],
    [sender.push(elsewhere, { slot: base + 2 })],
  ])
  const [genuine, neighbour, second] = [all[0], all[1], all[outbox.length]]
  const foreign = stranger.certify([[stranger.push(to, { ...ask, slot: stranger.slot })]])[0]
  if (genuine === undefined || neighbour === undefined || second === undefined || foreign === undefined)
    throw new TypeError('expected envelopes')
  const other = sender.certify([outbox])[0] ?? genuine
  const { push, proof } = genuine
  const withProof = (change: Partial<PushProof>): Envelope => ({
    kind: 'push',
    push,
    proof: { ...proof, ...change },
  })
  const withCore = (change: Partial<PushCore>, body?: Uint8Array): Envelope => {
    const { bodyHash: _, ...core } = { ...push.core, ...change }
    const made = makePush(core, {
      kind: 'message',
      tags: tagsOf({ Action: 'Echo' }),
      data: body ?? new Uint8Array(0),
      anchor: undefined,
    })
    return { kind: 'push', push: made, proof }
  }
  const flipPath = (path: PushProof['outboxPath']): PushProof['outboxPath'] =>
    path.map((level, i) => (i === 0 ? level.map((hash, j) => (j === 0 ? flip(hash) : hash)) : level))
  const [one] = proof.signatures
  if (one === undefined) throw new TypeError('expected a signature')
  const body = makePush(
    { ...push.core },
    {
      kind: 'message',
      tags: tagsOf({ Action: 'Echo' }),
      data: new Uint8Array(9),
      anchor: undefined,
    },
  )
  return new Map<string, Envelope>([
    ['a wrong path in the outbox', withProof({ outboxPath: flipPath(proof.outboxPath) })],
    ['a wrong path to the certificate', withProof({ resultPath: flipPath(proof.resultPath) })],
    ['a truncated path', withProof({ outboxPath: proof.outboxPath.slice(1) })],
    ['a path that is too long', withProof({ resultPath: [...proof.resultPath, []] })],
    [
      'the certificate of another slot',
      withProof({
        certificate: other.proof.certificate,
        certificateBytes: other.proof.certificateBytes,
        signatures: other.proof.signatures,
      }),
    ],
    ['the result of another slot', withProof({ resultHead: second.proof.resultHead })],
    ['too few signatures', withProof({ signatures: proof.signatures.slice(0, -1) })],
    ['one unit twice', withProof({ signatures: [one, one] })],
    ['a unit outside of the policy', withProof({ signatures: [one, { unit: 7, signature: one.signature }] })],
    [
      'a signature of somebody else',
      withProof({
        signatures: [
          one,
          {
            unit: 1,
            signature: ed25519Sign(seedOf(99), certificateMessage(proof.certificateBytes)),
          },
        ],
      }),
    ],
    [
      'signatures made for another network',
      withProof({
        signatures: sender.unitSeeds.slice(0, 2).map((seed, unit) => ({
          unit,
          signature: ed25519Sign(
            seed,
            new TextEncoder().encode(`elsewhere/certificate/1\0${toHex(proof.certificateBytes)}`),
          ),
        })),
      }),
    ],
    [
      'keys that count no more',
      withProof({
        signatures: stranger.unitSeeds.slice(0, 2).map((seed, unit) => ({
          unit,
          signature: ed25519Sign(seed, certificateMessage(proof.certificateBytes)),
        })),
      }),
    ],
    ['a changed certificate', withProof({ certificateBytes: flip(proof.certificateBytes) })],
    ['an index off by one', withCore({ index: 1 })],
    ['a push to somebody else, sent here', neighbour],
    ['a second content', { kind: 'push', push: { ...push, bodyBytes: body.bodyBytes }, proof }],
    ['a second content with its own hash', withCore({}, new Uint8Array(9))],
    ['more fuel', withCore({ fuel: 10n ** 15n })],
    ['less depth', withCore({ depth: 0 })],
    ['the certificate of another process', { kind: 'push', push, proof: foreign.proof }],
    [
      'the name of another process',
      {
        kind: 'push',
        push: makePush(
          { ...push.core, from: stranger.id },
          {
            kind: 'message',
            tags: tagsOf({ Action: 'Echo' }),
            data: new Uint8Array(0),
            anchor: undefined,
          },
        ),
        proof,
      },
    ],
  ])
}
