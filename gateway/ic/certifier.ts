/**
 * Certificates of the IC's kind. Signing takes milliseconds and happens elsewhere; what is asked for while one signature is
 * made waits for the next, which is one for all of it, each with the witness of its own paths.
 */
import { CborWriter, type Clock, IC_SIGNING_PAUSE_MS, leb128, stateRootMessage, toUtf8 } from '../../protocol/index.ts'
import type { SubnetDelegation } from './subnet-delegation.ts'
import { buildState, type Path, type StateLevel, type StateSource, writeWitness } from './state-tree.ts'

/** What one certificate shall show: entries of the levels of the state, and the paths of its witness. */
export interface Demand {
  readonly requests?: readonly (readonly [id: Uint8Array, status: StateSource | undefined])[]
  readonly canisters?: readonly (readonly [id: Uint8Array, state: StateSource | undefined])[]
  readonly paths: readonly Path[]
}

/** What is the same in all certificates of a node. */
export interface StandingState {
  readonly subnet: StateSource
  readonly canisterRanges: StateSource
  /** From the root key, if this key is not the root. */
  readonly delegation: Pick<SubnetDelegation, 'at'>
}

export interface CertifierParts {
  readonly clock: Clock
  readonly standing: StandingState
  /** Signature of a message by the subnet key: 48 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

interface Waiting {
  readonly demand: Demand
  resolve(certificate: Uint8Array): void
  reject(error: unknown): void
}

export class Certifier {
  readonly #parts: CertifierParts
  #waiting: Waiting[] = []
  #isSigning = false

  constructor(parts: CertifierParts) {
    this.#parts = parts
  }

  /** The certificate, with `/time` in it. */
  certify(demand: Demand): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.#waiting.push({ demand, resolve, reject })
    if (!this.#isSigning) {
      this.#isSigning = true
      void this.#signAll()
    }
    return promise
  }

  async #signAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What arrives in the same turn is still of this batch.
      await Promise.resolve()
      const batch = this.#waiting
      this.#waiting = []
      await this.#signOne(batch)
      // Under load fewer, larger batches leave more of the machine to what they are for.
      if (this.#waiting.length > 1) await this.#parts.clock.sleep(IC_SIGNING_PAUSE_MS)
    }
    this.#isSigning = false
  }

  async #signOne(batch: readonly Waiting[]): Promise<void> {
    try {
      const { standing, clock, sign } = this.#parts
      const nowMs = clock.now()
      const state = buildState(
        stateOf(
          batch.map(({ demand }) => demand),
          standing,
          nowMs,
        ),
      )
      const delegation = standing.delegation.at(nowMs)
      const signature = await sign(stateRootMessage(state.hash))
      for (const { demand, resolve } of batch) {
        const writer = new CborWriter()
        writer.raw(SELF_DESCRIBED)
        writer.map(delegation === undefined ? 2 : 3)
        writer.text('tree')
        writeWitness(writer, state, [[TIME], ...demand.paths])
        writer.text('signature')
        writer.bytes(signature)
        if (delegation !== undefined) {
          writer.text('delegation')
          writer.raw(delegation)
        }
        resolve(writer.finish())
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}

const SELF_DESCRIBED = Uint8Array.of(0xd9, 0xd9, 0xf7)
const TIME = toUtf8('time')
const NS_PER_MS = 1_000_000n

function stateOf(demands: readonly Demand[], standing: StandingState, nowMs: number): StateLevel {
  return {
    partial: false,
    entries: [
      [toUtf8('canister'), level(demands.flatMap(({ canisters }) => canisters ?? []))],
      [toUtf8('canister_ranges'), standing.canisterRanges],
      [toUtf8('request_status'), level(demands.flatMap(({ requests }) => requests ?? []))],
      [toUtf8('subnet'), standing.subnet],
      [TIME, leb128(BigInt(nowMs) * NS_PER_MS)],
    ],
  }
}

/** What is asked for twice is there once; of two states that differ, the later. */
function level(asked: readonly (readonly [id: Uint8Array, below: StateSource | undefined])[]): StateLevel {
  const byId = new Map<string, readonly [id: Uint8Array, below: StateSource | undefined]>()
  for (const entry of asked) byId.set(Buffer.from(entry[0]).toString('latin1'), entry)
  const entries: [Uint8Array, StateSource][] = []
  const absent: Uint8Array[] = []
  for (const [id, below] of byId.values()) {
    if (below === undefined) absent.push(id)
    else entries.push([id, below])
  }
  return { entries, absent, partial: true }
}
