import {
  decodeFrame,
  type Directory,
  Failure,
  isControl,
  type ModuleDescription,
  type ModuleId,
  type ProcessDescription,
  parseDataItem,
  readControl,
} from '../protocol/index.ts'
import type { HostSeat } from './host-pool.ts'

/** `Type: Control` as tags spell it: name and value after their lengths. No control message is without it. */
const CONTROL_MARK = Buffer.from('\u0008Type\u000eControl', 'latin1')

/**
 * The modules that a frame may bring into force: they are named by what the process's owner signed, so a host has
 * them before it evaluates the frame. Nearly every frame names none, and is not taken apart.
 */
export function modulesNamedIn(frameBytes: Uint8Array, process: ProcessDescription): ModuleId[] {
  const { buffer, byteOffset, length } = frameBytes
  if (Buffer.from(buffer, byteOffset, length).indexOf(CONTROL_MARK) < 0) return []
  const named = new Set<ModuleId>()
  for (const { envelope } of decodeFrame(frameBytes).assignments) {
    const module = envelope.kind === 'item' ? moduleNamedBy(envelope.item, process) : undefined
    if (module !== undefined) named.add(module)
  }
  return [...named]
}

/** What is no item, no control message, or nobody's who may, names nothing. */
function moduleNamedBy(bytes: Uint8Array, process: ProcessDescription): ModuleId | undefined {
  try {
    const item = parseDataItem(bytes)
    if (!isControl(item.tags) || item.ownerAddress !== process.owner) return undefined
    const control = readControl(item.tags)
    return 'module' in control ? control.module : undefined
  } catch {
    return undefined
  }
}

/**
 * Loads modules into a host. One that is not known here is waited for: it is never a result.
 * @throws {Failure} `unknown-module`
 */
export async function loadModules(
  seat: HostSeat,
  modules: readonly ModuleId[],
  find: (id: ModuleId) => Promise<ModuleDescription | undefined>,
): Promise<void> {
  for (const id of modules) {
    const module = await find(id)
    if (module === undefined) throw new Failure('unknown-module', { module: id })
    await seat.load(module)
  }
}

/** Looks modules up in a directory. */
export const modulesOf =
  (directory: Pick<Directory, 'module'>) =>
  (id: ModuleId): Promise<ModuleDescription | undefined> =>
    directory.module(id)
