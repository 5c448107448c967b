import { BlsSigner, createIcFaces, deriveIcKeys, type Mount } from '../gateway/index.ts'
import {
  ed25519Sign,
  emptyCanisterModule,
  findByPrincipal,
  signDataItemSync,
  toBase64Url,
} from '../protocol/index.ts'
import type { OpenGatewayParts } from './open-gateway.ts'
import type { UnitsToName } from './unit-naming.ts'
import { VERSION } from './version.ts'

/** The IC's face of a node, its signing thread included, and the module of canisters without code. */
export async function openIcFace(parts: OpenGatewayParts): Promise<{ api: Mount; pages: Mount; signer: BlsSigner }> {
  const { keys, log, hub, learned } = parts
  const icKeys = deriveIcKeys(keys.seed)
  const signer = new BlsSigner(icKeys.rootSecret)
  await log.directory.addModule(emptyCanisterModule())
  const rootKey = toBase64Url(icKeys.rootKey)
  const faces = createIcFaces({
    ...parts,
    keys: icKeys,
    version: VERSION,
    sign: message => signer.sign(message),
    signQuery: message => ed25519Sign(icKeys.nodeSeed, message),
    signSpawn: async (request, requestId) =>
      signDataItemSync(spawnFields(await parts.unitsToName(), rootKey, request, requestId), keys.seed).bytes,
    processOf: principal => learned?.canister(principal) ?? findByPrincipal(log.directory, principal),
    speaksFor: process => hub.speaksFor(process),
    watch: see => hub.watch(see),
    trouble: failure => parts.logger.warn({ what: 'ic', code: failure.code, ...failure.details }, failure.message),
  })
  return { ...faces, signer }
}

/** Nothing but the request decides what is in it, as long as the units of this node are the same: one request makes one canister. */
function spawnFields({ scheduler, computeUnit }: UnitsToName, rootKey: string, request: Uint8Array, requestId: Uint8Array): Parameters<typeof signDataItemSync>[0] {
  const tags = [
    ['Data-Protocol', 'ao'],
    ['Variant', 'ao.TN.1'],
    ['Type', 'Process'],
    ['Module', emptyCanisterModule().id],
    ['Scheduler', scheduler],
    ...(computeUnit === scheduler ? [] : [['Compute-Unit', computeUnit] as const]),
    ['Canister-Request', 'ingress'],
    ['IC-Root-Key', rootKey],
  ] as const
  return { tags: tags.map(([name, value]) => ({ name, value })), data: request, anchor: requestId }
}
