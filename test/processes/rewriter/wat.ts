import wabtInit from 'wabt'
import { INJECTED, type RewriteProfile, rewrite } from '../../../processes/rewriter/index.ts'

const wabt = await wabtInit()

const FEATURES = {
  bulk_memory: true,
  memory64: true,
  multi_value: true,
  mutable_globals: true,
  reference_types: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
}

/** Assembles text; `validate: false` lets wrong modules through. */
export function wat(text: string, features: Record<string, boolean> = {}): Uint8Array<ArrayBuffer> {
  const module = wabt.parseWat('test.wat', text, { ...FEATURES, ...features })
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: false }).buffer)
  } finally {
    module.destroy()
  }
}

/** Everything allowed that can be. */
export const OPEN_PROFILE: RewriteProfile = {
  imports: () => true,
  memoryPagesMax: 256,
  frameSlotsMax: 131_072,
  trackDirty: true,
  features: { tableMutation: true, memoryInit: true, floatBoundary: true, vectorGlobals: true },
}

/** A rewritten module, running. */
export class Guest {
  readonly exports: WebAssembly.Exports

  constructor(exports: WebAssembly.Exports) {
    this.exports = exports
    this.gas = 1_000_000_000_000n
  }

  call(name: string, ...args: (number | bigint)[]): unknown {
    const found = this.exports[name]
    if (typeof found !== 'function') throw new Error(`expected a function ${name}`)
    return found(...args)
  }

  global(name: string): WebAssembly.Global {
    const found = this.exports[name]
    if (!(found instanceof WebAssembly.Global)) throw new Error(`expected a global ${name}`)
    return found
  }

  get gas(): bigint {
    return this.global(INJECTED.gas).value
  }

  set gas(value: bigint) {
    this.global(INJECTED.gas).value = value
  }

  get depth(): number {
    return this.global(INJECTED.depth).value
  }

  set depth(value: number) {
    this.global(INJECTED.depth).value = value
  }

  get outOfMemory(): number {
    return this.global(INJECTED.outOfMemory).value
  }

  #memory(name: string): Uint8Array {
    const found = this.exports[name]
    if (!(found instanceof WebAssembly.Memory)) throw new Error(`expected a memory ${name}`)
    return new Uint8Array(found.buffer)
  }

  get memory(): Uint8Array {
    return this.#memory(INJECTED.memory)
  }

  get dirtyMap(): Uint8Array {
    return this.#memory(INJECTED.dirty)
  }

  get dirtyChunks(): number[] {
    return [...this.dirtyMap.entries()].flatMap(([chunk, byte]) => (byte === 0 ? [] : [chunk]))
  }
}

/** Rewrites and starts a module. */
export function start(
  bytes: Uint8Array,
  profile: Partial<RewriteProfile> = {},
  imports: WebAssembly.Imports = {},
): Guest {
  const rewritten = rewrite(bytes, { ...OPEN_PROFILE, ...profile })
  const module = new WebAssembly.Module(Uint8Array.from(rewritten.bytes))
  return new Guest(new WebAssembly.Instance(module, imports).exports)
}
