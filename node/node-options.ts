import type { Clock, Log, ProcessId } from '../protocol/index.ts'
import type { EffectOptions } from './effects.ts'
import type { NodeLogger } from './logger.ts'
import type { NetworkOptions } from './network-options.ts'
import type { UnitName } from './unit-roles.ts'

export interface NodeOptions extends EffectOptions, NetworkOptions {
  /** Folder of feeds, state and keys; made if it is not there. */
  readonly data: string
  /** Port of the HTTP face; 0 takes any, undefined opens none. */
  readonly port?: number | undefined
  readonly host?: string | undefined
  readonly allowedHosts?: readonly string[] | undefined
  readonly publicUrl?: string | undefined
  /** File with the seed of the root key that the IC's clients trust; the node's own key is the root, if not given. */
  readonly icRootSeed?: string | undefined
  /** What it runs; all, if not given. */
  readonly units?: readonly UnitName[] | undefined
  readonly hosts?: number | undefined
  readonly residentBytes?: number | undefined
  readonly signerRate?: number | undefined
  /** Part of the frames evaluated elsewhere that it looks at, from 0 to 1; none, if not given. */
  readonly spotChecks?: number | undefined
  /** Programs may ask for `Command-Engine: wasmer`: compute hosts may then start workers. */
  readonly wasmer?: boolean | undefined
  /** The data folder is a copy or was restored, and the operator says that no other copy was written to since. */
  readonly acceptRestored?: boolean | undefined
  readonly logger?: NodeLogger | undefined
  readonly clock?: Clock | undefined
  /** Opens the log; the Hypercores below `data`, unless a test brings its own. */
  readonly openLog?: ((keys: { seed: Uint8Array }) => Promise<Log>) | undefined
  /** Long work, such as replaying a feed. */
  readonly progress?: ((process: ProcessId, evaluated: number, scheduled: number) => void) | undefined
  /** Somebody with the admin token asked the node to end. */
  readonly onShutdown?: (() => void) | undefined
}
