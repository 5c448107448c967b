import {
  decodeFrame,
  decodePushBody,
  type Directory,
  type Envelope,
  Failure,
  isControl,
  type ModuleDescription,
  type ModuleId,
  type ProcessDescription,
  parseDataItem,
  readControl,
  type Tag,
} from '../../protocol/index.ts'
import type { HostSeat } from '../hosts/host-pool.ts'

/** `Type: Control` as tags of items spell it, and as those of pushes do: no control message is without it. */
const MARKS = [Buffer.from('\u0008Type\u000eControl', 'latin1'), Buffer.from('dTypegControl', 'latin1')]

/**
 * The modules that a frame may bring into force: they are named by what the process's owner says, so a host has
 * them before it evaluates the frame. Nearly every frame names none, and is not taken apart.
 */
export function modulesNamedIn(frameBytes: Uint8Array, process: ProcessDescription): ModuleId[] {
  const { buffer, byteOffset, length } = frameBytes
  const bytes = Buffer.from(buffer, byteOffset, length)
  if (MARKS.every(mark => bytes.indexOf(mark) < 0)) return []
  const named = new Set<ModuleId>()
  for (const { envelope } of decodeFrame(frameBytes).assignments) {
    const module = moduleNamedBy(envelope, process)
    if (module !== undefined) named.add(module)
  }
  return [...named]
}

/** What is no control message, or nobody's who may, names nothing. */
function moduleNamedBy(envelope: Envelope, process: ProcessDescription): ModuleId | undefined {
  try {
    const tags = tagsOfOwner(envelope, process.owner)
    if (!isControl(tags)) return undefined
    const control = readControl(tags)
    return 'module' in control ? control.module : undefined
  } catch {
    return undefined
  }
}

function tagsOfOwner(envelope: Envelope, owner: string): readonly Tag[] {
  if (envelope.kind === 'item') {
    const item = parseDataItem(envelope.item)
    return item.ownerAddress === owner ? item.tags : []
  }
  const isOwners = envelope.kind === 'push' && envelope.push.core.from === owner
  return isOwners ? decodePushBody(envelope.push.bodyBytes).tags : []
}

/**
 * Loads modules into a host, where they stay until what this gives ends: whoever needs them asks before that.
 * One that is not known here is waited for: it is never a result.
 * @throws {Failure} `unknown-module`
 */
export async function loadModules(
  seat: HostSeat,
  modules: readonly ModuleId[],
  find: (id: ModuleId) => Promise<ModuleDescription | undefined>,
): Promise<Disposable> {
  using pins = new DisposableStack()
  for (const id of modules) {
    const module = await find(id)
    if (module === undefined) throw new Failure('unknown-module', { module: id })
    pins.use(seat.pin(id))
    await seat.load(module)
  }
  return pins.move()
}

/** Looks modules up in a directory. */
export const modulesOf =
  (directory: Pick<Directory, 'module'>) =>
  (id: ModuleId): Promise<ModuleDescription | undefined> =>
    directory.module(id)
