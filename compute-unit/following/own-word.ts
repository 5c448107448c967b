import {
  type Commitment,
  decodeResult,
  type KeyId,
  type ProcessDescription,
  type Push,
  type Result,
  type Sending,
  speaksAlone,
} from '../../protocol/index.ts'
import type { FrameResults } from '../kept/frame-results.ts'
import { OwnPush } from './own-push.ts'
import type { ComputeUnitParts, EarlySending } from './unit-parts.ts'

/** What a unit's own evaluation asks to be sent: pushes are marked as its own where nobody else need attest them. */
export class OwnWord {
  readonly #key: KeyId
  readonly #early: ComputeUnitParts['early']

  constructor({ key, early }: Pick<ComputeUnitParts, 'key' | 'early'>) {
    this.#key = key
    this.#early = early
  }

  isOf(push: Push): boolean {
    return OwnPush.isOf(push, this)
  }

  read(bytes: Uint8Array, { policy }: ProcessDescription): Result {
    const result = decodeResult(bytes)
    return speaksAlone(policy, this.#key) ? OwnPush.mark(result, this) : result
  }

  /** Most results ask for nothing, and are not taken apart. */
  sending({ policy }: ProcessDescription, results: FrameResults, sends: readonly number[]): readonly Sending[] {
    const sending = sends.length === 0 ? [] : results.sending(sends)
    return speaksAlone(policy, this.#key) ? sending.map(one => OwnPush.mark(one, this)) : sending
  }

  /** Tells what a frame on its way to the disk asks to be sent, and gives it, if this unit's word is enough. */
  tellEarly(
    process: ProcessDescription,
    results: FrameResults,
    sends: readonly number[],
    commitment: Commitment,
  ): EarlySending | undefined {
    if (this.#early === undefined || !speaksAlone(process.policy, this.#key)) return undefined
    const sending = this.sending(process, results, sends)
    if (sending.length > 0) this.#early(sending, commitment)
    return sending
  }
}
