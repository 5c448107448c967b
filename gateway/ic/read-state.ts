import {
  ANONYMOUS_PRINCIPAL,
  equalBytes,
  fromUtf8,
  MalformedBytes,
  mayReach,
  type ReadStateRequest,
  type RequestEnvelope,
  requestMessageId,
} from '../../protocol/index.ts'
import type { Canister } from './canisters.ts'
import type { Demand } from './certifier.ts'
import type { Desk } from './desk.ts'
import { checkSender, readEnvelope } from './incoming.ts'
import { HttpRefusal } from './refusal.ts'
import { canisterSource, requestSource } from './state-sources.ts'
import type { Path, StateSource } from './state-tree.ts'

type Level = [Uint8Array, StateSource | undefined][]

type Looking = RequestEnvelope<ReadStateRequest>

interface Wanted {
  readonly paths: Path[]
  readonly requests: Map<string, Uint8Array>
  readonly canisters: Map<string, Uint8Array>
  readonly metadata: Set<string>
}

const CANISTER_VALUES: ReadonlySet<string> = new Set(['controllers', 'module_hash'])

/** Certifies what was asked for of the state, as far as the sender may see it. @throws {HttpRefusal} */
export async function readState(desk: Desk, bytes: Uint8Array, effective: Uint8Array | undefined): Promise<Uint8Array> {
  const envelope = readEnvelope(bytes, 'read_state') as Looking
  checkSender(envelope, desk.clock.now(), desk.rootKeys)
  const { paths } = envelope.request
  const wanted = wantedOf(paths, effective)
  const [requests, canisters] = await Promise.all([
    requestLevel(desk, wanted, effective, envelope),
    canisterLevel(desk, wanted, envelope),
  ])
  const demand: Demand = { requests, canisters, paths: wanted.paths }
  return desk.certifier.certify(demand)
}

/** @throws {HttpRefusal} 404 on a path that there is not, 400 on several requests at once */
function wantedOf(paths: readonly Path[], effective: Uint8Array | undefined): Wanted {
  const wanted: Wanted = { paths: [], requests: new Map(), canisters: new Map(), metadata: new Set() }
  for (const path of paths) {
    const [first, second, third, fourth] = path
    const name = textOf(first)
    if (name === 'time' && path.length === 1) continue
    if (name === 'request_status' && second !== undefined && second.length === 32 && path.length <= 3)
      wanted.requests.set(keyOf(second), second)
    else if (name === 'canister' && second !== undefined && third !== undefined) {
      if (effective === undefined || !equalBytes(second, effective)) throw invalid()
      const value = textOf(third)
      const isSection = value === 'metadata' && fourth !== undefined && path.length === 4
      if (!isSection && !(CANISTER_VALUES.has(value ?? '') && path.length === 3)) throw invalid()
      if (isSection) wanted.metadata.add(textOf(fourth) ?? '')
      wanted.canisters.set(keyOf(second), second)
    } else if (name !== 'subnet' && name !== 'canister_ranges') throw invalid()
    wanted.paths.push(path)
  }
  if (wanted.requests.size > 1)
    throw new HttpRefusal(400, 'Can only request a single request ID in request_status paths.')
  return wanted
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

const invalid = (): HttpRefusal => new HttpRefusal(404, 'Invalid path requested.')

const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

function textOf(label: Uint8Array | undefined): string | undefined {
  try {
    return label && fromUtf8(label)
  } catch (error) {
    if (error instanceof MalformedBytes) throw invalid()
    throw error
  }
}
