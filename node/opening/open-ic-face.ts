import { BlsSigner, createIcFaces, IcKeys, type Mount, ThreadedClerk } from '../../gateway/index.ts'
import { emptyCanisterModule, findByPrincipal, signDataItemSync, toBase64Url } from '../../protocol/index.ts'
import type { OpenGatewayParts } from './open-gateway.ts'
import { readRootSeed } from '../read-root-seed.ts'
import { clerkProgram } from '../programs/clerk-program.ts'
import type { UnitsToName } from '../operating/unit-naming.ts'
import { VERSION } from '../version.ts'

/** The IC's face of a node, its threads included, and the module of canisters without code. */
export async function openIcFace(
  parts: OpenGatewayParts,
  keep: (thread: AsyncDisposable) => void,
): Promise<{ api: Mount; pages: Mount }> {
  const { keys, log, hub, learned } = parts
  const { icRootSeed } = parts.options
  const icKeys = new IcKeys(keys.seed, icRootSeed === undefined ? undefined : await readRootSeed(icRootSeed))
  const signer = new BlsSigner(icKeys.subnetSecret)
  keep(signer)
  const querySigner = { seed: icKeys.nodeSeed, nodeId: icKeys.nodeId }
  const clerk = new ThreadedClerk(clerkProgram(), querySigner)
  keep(clerk)
  await log.directory.addModule(emptyCanisterModule())
  return createIcFaces({
    ...parts,
    keys: icKeys,
    version: VERSION,
    sign: message => signer.sign(message),
    clerk,
    signSpawn: async (request, requestId) =>
      signDataItemSync(spawnFields(await parts.unitsToName(), icKeys, request, requestId), keys.seed).bytes,
    processOf: principal => learned?.canister(principal) ?? findByPrincipal(log.directory, principal),
    speaksFor: process => hub.speaksFor(process),
    watch: see => hub.watch(see),
    trouble: failure => parts.logger.warn({ what: 'ic', code: failure.code, ...failure.details }, failure.message),
  })
}

/** Nothing but the request decides what is in it, as long as the units of this node are the same: one request makes one canister. */
function spawnFields(
  { scheduler, computeUnit }: UnitsToName,
  { rootKey }: IcKeys,
  request: Uint8Array,
  requestId: Uint8Array,
): Parameters<typeof signDataItemSync>[0] {
  const tags = [
    ['Data-Protocol', 'ao'],
    ['Variant', 'ao.TN.1'],
    ['Type', 'Process'],
    ['Module', emptyCanisterModule().id],
    ['Scheduler', scheduler],
    ...(computeUnit === scheduler ? [] : [['Compute-Unit', computeUnit] as const]),
    ['Canister-Request', 'ingress'],
    ['IC-Root-Key', toBase64Url(rootKey)],
  ] as const
  return { tags: tags.map(([name, value]) => ({ name, value })), data: request, anchor: requestId }
}
