import type { Clock, MessageId, ProcessId } from '../../protocol/index.ts'
import { Canisters } from './canisters.ts'
import { Certifier } from './certifier.ts'
import { DataCertificates } from './data-certificates.ts'
import type { IcFacadeParts } from './parts.ts'
import { Requests } from './requests.ts'
import { withOutputs } from './result-output.ts'
import { OwnSubnet } from './standing-state.ts'

/** What the endpoints share. */
export interface Desk {
  readonly parts: IcFacadeParts
  readonly clock: Clock
  readonly canisters: Canisters
  readonly requests: Requests
  readonly certifier: Certifier
  readonly dataCertificates: DataCertificates
  /** Canisters that are being made, by the request for them. */
  readonly making: Map<MessageId, Promise<ProcessId>>
}

export function openDesk(parts: IcFacadeParts): Desk {
  const { clock, keys } = parts
  const canisters = new Canisters(parts)
  const requests = new Requests({ ...parts, canisters })
  const certifier = new Certifier({ clock, standing: new OwnSubnet(keys), sign: message => parts.sign(message) })
  const dataCertificates = new DataCertificates({ canisters, certifier, clock })
  parts.creations?.tell(id => requests.madeBy(id))
  parts.watch(results => {
    const evaluated = withOutputs(results)
    canisters.evaluated(evaluated)
    requests.evaluated(evaluated)
  })
  return { parts, clock, canisters, requests, certifier, dataCertificates, making: new Map() }
}
