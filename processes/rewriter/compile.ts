import { HostFault } from '../../protocol/index.ts'

/**
 * Compiles what `rewrite` gave. An engine that does not take what the rewriter does has met a bug of ours, which harms no other process.
 * @throws {HostFault} if the engine is short of something
 */
export function compileRewritten(bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(new Uint8Array(bytes))
  } catch (cause) {
    if (cause instanceof WebAssembly.CompileError) throw new Error('rewritten code does not compile', { cause })
    throw new HostFault('no memory to compile code', { cause })
  }
}
