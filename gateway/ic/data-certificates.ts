import { equalBytes, IC_CANISTERS_MAX, IC_DATA_CERTIFICATE_MAX_MS, type Tag, toBase64Url, toUtf8, type Clock, type ProcessId } from '../../protocol/index.ts'
import type { Canister, Canisters } from './canisters.ts'
import type { Certifier } from './certifier.ts'
import { canisterSource } from './state-sources.ts'

interface Kept {
  readonly data: Uint8Array
  readonly atMs: number
  readonly certificate: Promise<Tag>
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

  /** As the tag of a query; the same object, as long as the certificate is the same. */
  async of(canister: Canister): Promise<Tag> {
    const { process, principal } = canister
    const facts = await this.#canisters.facts(canister)
    const nowMs = this.#clock.now()
    const kept = this.#kept.get(process.id)
    const isFresh = kept !== undefined && equalBytes(kept.data, facts.certifiedData) && Math.abs(nowMs - kept.atMs) < IC_DATA_CERTIFICATE_MAX_MS
    if (isFresh) return kept.certificate
    const certified = this.#certifier.certify({
      canisters: [[principal, canisterSource(facts)]],
      paths: [[toUtf8('canister'), principal, toUtf8('certified_data')]],
    })
    const certificate = certified.then(bytes => ({ name: 'Canister-Certificate', value: toBase64Url(bytes) }))
    this.#kept.delete(process.id)
    this.#kept.set(process.id, { data: facts.certifiedData, atMs: nowMs, certificate })
    certificate.catch(() => this.#kept.delete(process.id))
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > IC_CANISTERS_MAX && oldest !== undefined) this.#kept.delete(oldest)
    return certificate
  }
}
