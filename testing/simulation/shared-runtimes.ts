import { RUNTIMES } from '../../processes/index.ts'
import type { GuestFactory, ModuleDescription, Runtime } from '../../protocol/index.ts'

/** Modules kept ready in this program. */
const KEPT_MAX = 256

/**
 * The runtimes of a node, each of whose modules is rewritten and compiled once for all nodes of all networks in this
 * program: what comes of it depends on the module alone, and its id is a hash of it.
 */
export const SHARED_RUNTIMES: readonly Runtime[] = RUNTIMES.map(shared)

function shared(runtime: Runtime): Runtime {
  const prepared = new Map<string, Uint8Array>()
  const loaded = new Map<string, GuestFactory>()
  return {
    formats: runtime.formats,
    assignable: runtime.assignable,
    prepare: module => kept(prepared, module, () => runtime.prepare(module)),
    load: (bytes, module) =>
      kept(loaded, module, () => {
        const factory = runtime.load(bytes, module)
        return { image: factory.image, open: factory.open.bind(factory), close: () => undefined }
      }),
  }
}

function kept<T>(map: Map<string, T>, { id }: Pick<ModuleDescription, 'id'>, make: () => T): T {
  const known = map.get(id)
  if (known !== undefined) return known
  const made = make()
  const oldest = map.size >= KEPT_MAX ? map.keys().next().value : undefined
  if (oldest !== undefined) map.delete(oldest)
  map.set(id, made)
  return made
}
