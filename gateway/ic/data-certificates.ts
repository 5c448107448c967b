import {
  equalBytes,
  IC_CANISTERS_MAX,
  IC_DATA_CERTIFICATE_MAX_MS,
  toUtf8,
  type Clock,
  type ProcessId,
} from '../../protocol/index.ts'
import type { Canister, CanisterFacts, Canisters } from './canisters.ts'
import type { Certifier } from './certifier.ts'
import { canisterSource } from './state-sources.ts'

interface Kept {
  readonly data: Uint8Array
  readonly atMs: number
  readonly certificate: Promise<Uint8Array>
  /** What `certificate` gave. */
  made: Uint8Array | undefined
}

/** Certificates of canisters' certified data, as their queries see them: made anew when the data change, or grow old. */
export class DataCertificates {
  readonly #canisters: Canisters
  readonly #certifier: Certifier
  readonly #clock: Clock
  readonly #kept = new Map<ProcessId, Kept>()

  constructor(parts: { canisters: Canisters; certifier: Certifier; clock: Clock }) {
    this.#canisters = parts.canisters
    this.#certifier = parts.certifier
    this.#clock = parts.clock
  }

  /** The very bytes that `of` gives now, if nothing has to be waited for. */
  atHand(canister: Canister): Uint8Array | undefined {
    const facts = this.#canisters.factsAtHand(canister)
    return facts && this.#fresh(canister, facts)?.made
  }

  /** The same object, as long as the certificate is the same. */
  async of(canister: Canister): Promise<Uint8Array> {
    const facts = await this.#canisters.facts(canister)
    return (this.#fresh(canister, facts) ?? this.#make(canister, facts)).certificate
  }

  #fresh({ process }: Canister, { certifiedData }: CanisterFacts): Kept | undefined {
    const kept = this.#kept.get(process.id)
    const isFresh =
      kept !== undefined &&
      equalBytes(kept.data, certifiedData) &&
      Math.abs(this.#clock.now() - kept.atMs) < IC_DATA_CERTIFICATE_MAX_MS
    return isFresh ? kept : undefined
  }

  #make({ process, principal }: Canister, facts: CanisterFacts): Kept {
    const certificate = this.#certifier.certify({
      canisters: [[principal, canisterSource(facts)]],
      paths: [[toUtf8('canister'), principal, toUtf8('certified_data')]],
    })
    const kept: Kept = { data: facts.certifiedData, atMs: this.#clock.now(), certificate, made: undefined }
    certificate.then(
      bytes => {
        kept.made = bytes
      },
      () => {
        if (this.#kept.get(process.id) === kept) this.#kept.delete(process.id)
      },
    )
    this.#kept.delete(process.id)
    this.#kept.set(process.id, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > IC_CANISTERS_MAX && oldest !== undefined) this.#kept.delete(oldest)
    return kept
  }
}
