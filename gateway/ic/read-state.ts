import {
  ANONYMOUS_PRINCIPAL,
  equalBytes,
  mayReach,
  principalOf,
  type ReadStateRequest,
  type RequestEnvelope,
  requestMessageId,
} from '../../protocol/index.ts'
import type { Canister } from './canisters.ts'
import type { Demand } from './certifier.ts'
import type { Desk } from './desk.ts'
import { checkSenderApart, readEnvelope } from './incoming.ts'
import { HttpRefusal } from './refusal.ts'
import { canisterSource, requestSource } from './state-sources.ts'
import { type Wanted, wantedOf } from './state-paths.ts'
import type { StateSource } from './state-tree.ts'

type Level = [Uint8Array, StateSource | undefined][]

type Looking = RequestEnvelope<ReadStateRequest>

/** Certifies what was asked for of the state, as far as the sender may see it. @throws {HttpRefusal} */
export async function readState(desk: Desk, bytes: Uint8Array, effective: Uint8Array | undefined): Promise<Uint8Array> {
  const envelope = readEnvelope(bytes, 'read_state') as Looking
  await checkSenderApart(desk, envelope, desk.parts.keys.rootKeys)
  const { paths } = envelope.request
  const wanted = wantedOf(paths, effective)
  // Only who makes a canister may not know a better one to name: it asks there what came of it, and for the time if its own is wrong.
  if (effective?.length === 0 && wanted.requests.size === 0 && wanted.paths.length > 0)
    throw new HttpRefusal(400, 'The management canister has no state of its own.')
  const [requests, canisters] = await Promise.all([
    requestLevel(desk, wanted, effective, envelope),
    canisterLevel(desk, wanted, envelope),
  ])
  const demand: Demand = { requests, canisters, paths: wanted.paths }
  return desk.certifier.certify(demand)
}

/** Only who made a request may see what became of it, by delegations that hold for whom it asked. */
async function requestLevel(
  { requests }: Desk,
  wanted: Wanted,
  effective: Uint8Array | undefined,
  envelope: Looking,
): Promise<Level> {
  const level: Level = []
  for (const id of wanted.requests.values()) {
    const found = await requests.find(requestMessageId(id), effective)
    if (
      found !== undefined &&
      !(equalBytes(found.sender, envelope.request.sender) && mayReach(envelope, found.canister))
    ) {
      throw new HttpRefusal(403, 'The user tries to access Request ID not signed by the caller.')
    }
    // A canister that is made is found under whatever id its request was sent to.
    const isElsewhere =
      found !== undefined && found.slot > 0 && !(effective && equalBytes(principalOf(found.process), effective))
    if (isElsewhere) throw new HttpRefusal(403, 'The user tries to access a Request ID of another canister.')
    level.push([id, found && requestSource(found.state)])
  }
  return level
}

async function canisterLevel(desk: Desk, wanted: Wanted, envelope: Looking): Promise<Level> {
  const level: Level = []
  for (const principal of wanted.canisters.values()) {
    const canister = await desk.canisters.find(principal)
    level.push([principal, canister && (await canisterState(desk, canister, wanted.metadata, envelope))])
  }
  return level
}

async function canisterState(
  desk: Desk,
  canister: Canister,
  names: ReadonlySet<string>,
  envelope: Looking,
): Promise<StateSource> {
  const facts = await desk.canisters.facts(canister)
  const sections = new Map<string, Uint8Array | undefined>()
  const { sender } = envelope.request
  const isController =
    mayReach(envelope, canister.principal) && facts.controllers.some(controller => equalBytes(controller, sender))
  for (const name of names) {
    const isPublic = facts.metadata.get(name)
    if (isPublic === false && !isController) {
      throw new HttpRefusal(
        403,
        `Custom section ${name.slice(0, 100)} can only be requested by the controllers of the canister.`,
      )
    }
    const reader = isController ? sender : ANONYMOUS_PRINCIPAL
    sections.set(name, isPublic === undefined ? undefined : await desk.canisters.metadata(canister, name, reader))
  }
  return canisterSource(facts, sections)
}
