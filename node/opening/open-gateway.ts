import { createAoFacade, Gateway, type KnownScheduler, type QueryClerk } from '../../gateway/index.ts'
import {
  type Clock,
  type Computer,
  type Log,
  type Messenger,
  type MetricsRegistry,
  type Operations,
  type Scheduler,
  signDataItemSync,
} from '../../protocol/index.ts'
import type { CanisterCreations } from '../learning/canister-creations.ts'
import type { EvaluationHub } from '../operating/evaluation-hub.ts'
import type { NodeKeys } from '../keystore.ts'
import type { LearnedProcesses } from '../learning/learned-processes.ts'
import type { NodeLogger } from '../logger.ts'
import { openIcFace } from './open-ic-face.ts'
import type { UnitsToName } from '../operating/unit-naming.ts'
import { VERSION } from '../version.ts'

export interface OpenGatewayParts {
  readonly scheduler: Scheduler
  readonly messenger: Messenger
  readonly computer: Computer
  readonly log: Log
  /** What of it this node holds itself. */
  readonly atHand: Log
  readonly clock: Clock
  readonly logger: NodeLogger
  readonly metrics: MetricsRegistry
  readonly keys: NodeKeys
  /** Who looks at what canisters may have signed. */
  readonly notary: QueryClerk
  readonly operations: Operations
  readonly hub: EvaluationHub
  /** Whom a spawn names that this node signs. */
  unitsToName(): Promise<UnitsToName>
  /** Processes of other nodes, if there are any. */
  readonly learned?: Pick<LearnedProcesses, 'canister'> | undefined
  /** Canisters that requests make, among nodes that know each other. */
  readonly creations?: CanisterCreations | undefined
  readonly port: number
  /** Where another scheduler is, if that is known. */
  readonly schedulerAt?: ((key: string) => KnownScheduler | undefined) | undefined
  readonly options: {
    readonly host?: string | undefined
    readonly allowedHosts?: readonly string[] | undefined
    readonly publicUrl?: string | undefined
    readonly icRootSeed?: string | undefined
  }
}

/** Opens the HTTP face: the native API, and AO's and the IC's beside it on the same port. */
export async function openGateway(
  parts: OpenGatewayParts,
  keep: (resource: AsyncDisposable) => void,
): Promise<Gateway> {
  const { scheduler, keys, options } = parts
  let url = ''
  const facade = createAoFacade({
    ...parts,
    monitor: {
      add: process => scheduler.monitor(process, true),
      remove: process => scheduler.monitor(process, false),
    },
    authority: keys.key,
    signItem: fields => signDataItemSync(fields, keys.seed),
    publicUrl: () => options.publicUrl ?? url,
    trouble: failure => parts.logger.warn({ what: 'ao', code: failure.code, ...failure.details }, failure.message),
  })
  const ic = await openIcFace(parts, keep)
  const gateway = await Gateway.open({
    ...parts,
    host: options.host,
    allowedHosts: options.allowedHosts,
    adminToken: keys.adminToken,
    version: VERSION,
    mounts: [ic.api, ic.pages, facade],
    canisterMounts: [ic.api, ic.pages],
  })
  url = gateway.url
  return gateway
}
