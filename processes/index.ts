// What runs inside: the runtimes, the rewriter, and the processes that come with Atoll.
import { Failure, type Runtime } from '../protocol/index.ts'
import { actorRuntime } from './actor/index.ts'
import { agentRuntime, runScript } from './agent/index.ts'
import { aoRuntime } from './ao/index.ts'
import { canisterRuntime } from './canister/index.ts'
import { commandRuntime } from './command/index.ts'

export { AO_FORMATS } from './ao/index.ts'
export { ModuleRefused, REWRITER_VERSION, rewrite, type RewriteProfile } from './rewriter/index.ts'
export {
  STANDARD_MODULE_TAGS,
  STANDARD_PROCESSES,
  type StandardProcess,
  standardProcessPath,
} from './standard/index.ts'
export { actorRuntime, agentRuntime, aoRuntime, canisterRuntime, commandRuntime, runScript }

/** Every runtime of this node: the one table. */
export const RUNTIMES: readonly Runtime[] = [actorRuntime, agentRuntime, aoRuntime, canisterRuntime, commandRuntime]

/** The runtime of a Module-Format. @throws {Failure} `unsupported-format` */
export function runtimeFor(format: string): Runtime {
  const runtime = RUNTIMES.find(({ formats }) => formats.includes(format))
  if (runtime !== undefined) return runtime
  const known = RUNTIMES.flatMap(({ formats }) => formats)
  throw new Failure('unsupported-format', { format, known })
}
