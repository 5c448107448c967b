/** The rewriter: makes a WebAssembly module metered, bounded, deterministic and snapshotable. */
export { compileRewritten } from './compile.ts'
export { globalExport, INJECTED, RESERVED_PREFIX } from './injected-names.ts'
export { DEFAULT_LIMITS, type ModuleLimits } from './limits.ts'
export type {
  CustomSection,
  ExternalKind,
  ModuleExport,
  ModuleImport,
} from './module-shape.ts'
export { NO_FEATURES, type RewriteFeatures, type RewriteProfile } from './profile.ts'
export { ModuleRefused, type RefusalReason } from './refusal.ts'
export { REWRITER_VERSION, type RewrittenModule, rewrite } from './rewrite.ts'
export { REENTRY_SLOTS, stackBytesFor } from './stack.ts'
export { CHUNKS_PER_PAGE } from './layout.ts'
export { markedChunks } from './marked-chunks.ts'
