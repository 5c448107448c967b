import {
  type Attestation,
  decodeCertificate,
  type Disagreement,
  equalBytes,
  type ProcessDescription,
  type ProcessId,
  sha256,
  toBase64Url,
  type UnitFault,
} from '../protocol/index.ts'

/** Frames about which units disagree that are held, oldest first: the rest of them says who is at fault within moments. */
const FRAMES_MAX = 1024

/** Puts together who said what of one frame, until it shows who is at fault. */
export class Disagreements {
  readonly #said = new Map<string, Map<string, Attestation>>()

  /** Faults that follow from this and what was said before. */
  add({ process, attestations }: Disagreement, { policy }: ProcessDescription): UnitFault[] {
    const name = `${process}/${attestations[0].index}`
    const said = this.#said.get(name) ?? new Map<string, Attestation>()
    this.#said.set(name, said)
    if (this.#said.size > FRAMES_MAX) this.#forgetOldest()
    // A unit that says two things of one frame has two entries.
    for (const one of attestations) said.set(`${one.unit}/${toBase64Url(sha256(one.certificateBytes))}`, one)
    return [...said.values()].flatMap(accused => {
      const other = otherOf(accused, [...said.values()], policy.computeQuorum)
      return other === undefined ? [] : [faultOf(process, accused, other)]
    })
  }

  #forgetOldest(): void {
    const [oldest] = this.#said.keys()
    if (oldest !== undefined) this.#said.delete(oldest)
  }
}

/** What speaks against an attestation: the same unit, or as many others as must agree, say something else. */
function otherOf(
  accused: Attestation,
  said: readonly Attestation[],
  quorum: number,
): readonly Attestation[] | undefined {
  const frame = frameOf(accused)
  const others = said.filter(
    one => !equalBytes(one.certificateBytes, accused.certificateBytes) && equalBytes(frameOf(one), frame),
  )
  const itself = others.find(({ unit }) => unit === accused.unit)
  if (itself !== undefined) return [itself]
  for (const one of others) {
    const agreeing = others.filter(({ certificateBytes }) => equalBytes(certificateBytes, one.certificateBytes))
    if (agreeing.length >= quorum) return agreeing.sort((a, b) => a.unit - b.unit)
  }
  return undefined
}

/** Of two frames at one place at least one is not in the feed; who speaks of which is no fault of a compute unit. */
const frameOf = ({ certificateBytes }: Attestation): Uint8Array => decodeCertificate(certificateBytes).frameHash

function faultOf(
  process: ProcessId,
  { certificateBytes, unit, signature }: Attestation,
  other: readonly Attestation[],
): UnitFault {
  const [first] = other
  return {
    process,
    certificateBytes,
    unit,
    signature,
    other: first && {
      certificateBytes: first.certificateBytes,
      signatures: other.map(one => ({ unit: one.unit, signature: one.signature })),
    },
  }
}
