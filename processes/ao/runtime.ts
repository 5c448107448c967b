import type { GuestFactory, ModuleDescription, Runtime } from '../../protocol/index.ts'
import { compileRewritten } from '../rewriter/index.ts'
import { AO_FORMATS } from './formats.ts'
import { AoGuest } from './guest.ts'
import { makeImage } from './image.ts'
import type { LoadedModule } from './machine.ts'
import { MachinePool } from './machine-pool.ts'
import { decodePrepared, formatOf, prepareModule } from './prepared.ts'

/** Runs unmodified modules of AO, in all formats of its loader. */
export const aoRuntime: Runtime = {
  formats: AO_FORMATS,
  // aos checks for itself whether it may be assigned a message.
  assignable: true,
  stateForm: 'memory',
  prepare: prepareModule,
  load,
}

function load(bytes: Uint8Array, module: ModuleDescription): GuestFactory {
  const prepared = decodePrepared(bytes)
  const compiled = compileRewritten(prepared.wasm)
  const imports = WebAssembly.Module.imports(compiled).map(({ module: from, name }) => ({
    module: from,
    name,
  }))
  const loaded: LoadedModule = { module: compiled, imports, prepared, format: formatOf(module) }
  const { image, machine } = makeImage(loaded)
  const machines = new MachinePool(loaded, image)
  machines.give(machine)
  return {
    image: image.snapshot,
    open: (process, snapshot) => new AoGuest({ machines, image: image.snapshot, module, process, snapshot }),
    close: () => machines.clear(),
  }
}
